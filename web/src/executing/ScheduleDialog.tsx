import { useState } from "react";

import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { schedulePlan } from "@/services/executions";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";
import { Select } from "@/ui/Select";

import type { DialogProps } from "./AskedDialog";
import { inWords, isCron, myZone, once, PRESETS } from "./timing";

type Kind = "once" | "again";
const OWN = "own";

/** When the plan is to begin by itself: once, or again and again. */
export function ScheduleDialog({ plan, progress, control, onClose }: DialogProps) {
  const [kind, setKind] = useState<Kind>("once");
  const [at, setAt] = useState(tomorrowMorning);
  const [preset, setPreset] = useState<string>(PRESETS[0].cron);
  const [cron, setCron] = useState<string>(PRESETS[0].cron);
  const [timezone, setTimezone] = useState(myZone);
  const [isPast, setPast] = useState(false);
  const isWrong = kind === "again" && !isCron(cron);
  const begin = () => {
    const past = kind === "once" && new Date(at).getTime() <= Date.now();
    setPast(past);
    if (past || isWrong) return;
    const timing = kind === "once" ? once(at, timezone) : { cron: cron.trim(), timezone };
    control.mutate({ ask: () => schedulePlan(plan.id, timing), done: "Scheduled" }, { onSuccess: onClose });
  };
  const choose = (value: string) => {
    setPreset(value);
    if (value !== OWN) setCron(value);
  };
  return (
    <FormDialog
      title="Begin by itself"
      description="The plan is carried out at that time without anybody’s doing."
      submit={progress.schedule ? "Replace the schedule" : "Schedule"}
      isDisabled={isWrong || (kind === "once" && !at)}
      busy={control.isPending}
      onSubmit={begin}
      onClose={onClose}
    >
      {progress.schedule && <p className={s.note}>It begins now {inWords(progress.schedule)}.</p>}
      <RadioCards<Kind>
        label="How often"
        value={kind}
        onValueChange={setKind}
        choices={[
          { value: "once", label: "Once" },
          { value: "again", label: "Again and again", hint: "Each round on a branch of its own." },
        ]}
      />
      {kind === "once" ? (
        <Field
          label="When"
          error={isPast ? "That time has passed already." : null}
          hint="By the clock of this machine."
        >
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
                  { value: OWN, label: "By a cron expression of my own" },
                ]}
              />
            )}
          </Field>
          {preset === OWN && (
            <Field
              label="Cron expression"
              hint="Minutes, hours, day of month, month, day of week, year; one of the days is ?."
              error={isWrong ? "Six fields are needed, and one of the two days must be ?." : null}
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

/** As an input of a date and a time has it. */
function tomorrowMorning(): string {
  const day = new Date(Date.now() + 86_400_000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}T09:00`;
}
