import { type Condition, type Plan, type Task } from "@/plans/model";
import { Field } from "@/ui/Field";
import { Select } from "@/ui/Select";

import s from "./EditPanel.module.css";

type Value = Condition | null;
type Props = {
  plan: Plan;
  /** Only tasks of phases before this one are available. */
  before: string;
  /** Other available tasks. */
  besides?: string[];
  value: Value;
  onChange: (value: Value) => void;
};

const NONE = "none";
const ANY = "any";
const OUTCOMES = [
  { value: ANY, label: "Any outcome" },
  { value: "COMPLETED", label: "Completed" },
  { value: "FAILED", label: "Failed, then skipped" },
  { value: "SKIPPED", label: "Skipped" },
];

/** Condition on an earlier task; otherwise this one is skipped. */
export function ConditionFields({ plan, before, besides = [], value, onChange }: Props) {
  const candidates = earlier(plan, before, besides);
  if (candidates.length === 0 && !value) return null;
  const set = (change: Partial<Condition>) => value && onChange({ ...value, ...change });
  return (
    <fieldset className={s.group}>
      <legend>Condition</legend>
      <Select
        label="Task to check"
        value={value?.taskId ?? NONE}
        onValueChange={(id) =>
          onChange(id === NONE ? null : { outcome: "COMPLETED", filesChanged: null, ...value, taskId: id })
        }
        options={[
          { value: NONE, label: "Always run" },
          ...candidates.map(({ id, title }) => ({ value: id, label: title })),
        ]}
      />
      {value && (
        <div className={s.pair}>
          <Select
            label="Required outcome"
            value={value.outcome ?? ANY}
            onValueChange={(outcome) => set({ outcome: outcomeOf(outcome) })}
            options={OUTCOMES}
          />
          <Field label="Changed files" hint="Optional glob, such as src/**/*.py.">
            {(props) => (
              <input
                {...props}
                value={value.filesChanged ?? ""}
                spellCheck={false}
                onChange={(event) => set({ filesChanged: event.target.value || null })}
              />
            )}
          </Field>
        </div>
      )}
    </fieldset>
  );
}

function earlier(plan: Plan, before: string, besides: string[]): Task[] {
  const number = plan.phases.findIndex((phase) => phase.id === before);
  return plan.phases.flatMap((phase, at) =>
    phase.tasks.filter(({ id }) => at < number || besides.includes(id)),
  );
}

function outcomeOf(chosen: string): Condition["outcome"] & (string | null) {
  return chosen === "COMPLETED" || chosen === "FAILED" || chosen === "SKIPPED" ? chosen : null;
}
