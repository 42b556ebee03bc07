import { useState } from "react";

import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { schedulePlan } from "@/services/executions";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";
import { Select } from "@/ui/Select";

import type { PlanDialogProps } from "./dialogProps";
import { describeSchedule, isCronExpression, localTimezone, onceAt, PRESETS } from "./schedule";

type Kind = "once" | "again";
const CUSTOM = "own";

/** Schedule a plan, once or repeatedly. */
export function ScheduleDialog({ plan, progress, control, onClose }: PlanDialogProps) {
  const [kind, setKind] = useState<Kind>("once");
  const [at, setAt] = useState(tomorrowMorning);
  const [preset, setPreset] = useState<string>(PRESETS[0].cron);
  const [cron, setCron] = useState<string>(PRESETS[0].cron);
  const [timezone, setTimezone] = useState(localTimezone);
  const [isPast, setPast] = useState(false);
  const isWrong = kind === "again" && !isCronExpression(cron);
  const begin = () => {
    const past = kind === "once" && new Date(at).getTime() <= Date.now();
    setPast(past);
    if (past || isWrong) return;
    const timing = kind === "once" ? onceAt(at, timezone) : { cron: cron.trim(), timezone };
    control.mutate(
      { send: () => schedulePlan(plan.id, timing), successMessage: "Scheduled" },
      { onSuccess: onClose },
    );
  };
  const choose = (value: string) => {
    setPreset(value);
    if (value !== CUSTOM) setCron(value);
  };
  return (
    <FormDialog
      title="Schedule plan"
      description="The plan starts automatically at this time."
      submit={progress.schedule ? "Replace schedule" : "Schedule plan"}
      isDisabled={isWrong || (kind === "once" && !at)}
      busy={control.isPending}
      onSubmit={begin}
      onClose={onClose}
    >
      {progress.schedule && (
        <p className={s.note}>Current schedule: {describeSchedule(progress.schedule)}.</p>
      )}
      <RadioCards<Kind>
        label="Frequency"
        value={kind}
        onValueChange={setKind}
        choices={[
          { value: "once", label: "Once" },
          { value: "again", label: "Repeat", hint: "Each run gets its own branch." },
        ]}
      />
      {kind === "once" ? (
        <Field label="When" error={isPast ? "This time is in the past." : null} hint="Your local time.">
          {(props) => (
            <input
              {...props}
              type="datetime-local"
              value={at}
              required
              onChange={(event) => setAt(event.target.value)}
            />
          )}
        </Field>
      ) : (
        <>
          <Field label="When">
            {({ id }) => (
              <Select
                id={id}
                label="When"
                value={preset}
                onValueChange={choose}
                options={[
                  ...PRESETS.map(({ cron: value, label }) => ({ value, label })),
                  { value: CUSTOM, label: "Custom cron expression" },
                ]}
              />
            )}
          </Field>
          {preset === CUSTOM && (
            <Field
              label="Cron expression"
              hint="Minutes, hours, day of month, month, day of week, year. One of the two days must be ?."
              error={isWrong ? "Enter six fields. Exactly one of the two days must be ?." : null}
            >
              {(props) => (
                <input
                  {...props}
                  value={cron}
                  spellCheck={false}
                  onChange={(event) => setCron(event.target.value)}
                />
              )}
            </Field>
          )}
          <Field label="Time zone">
            {(props) => (
              <input
                {...props}
                value={timezone}
                required
                onChange={(event) => setTimezone(event.target.value)}
              />
            )}
          </Field>
        </>
      )}
    </FormDialog>
  );
}

/** Value for a datetime-local input. */
function tomorrowMorning(): string {
  const day = new Date(Date.now() + 86_400_000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}T09:00`;
}
