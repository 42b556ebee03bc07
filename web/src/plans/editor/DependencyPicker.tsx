import { X } from "lucide-react";
import { useState } from "react";

import { refusalOf } from "@/plans/dependencies";
import { type Phase, type Plan, type Task, taskOf } from "@/plans/model";
import forms from "@/plans/forms.module.css";
import { Checkbox } from "@/ui/Checkbox";
import f from "@/ui/Field.module.css";

import s from "./EditPanel.module.css";
import { withDependencies } from "./useDependencies";

type Props = { plan: Plan; taskId: string; value: string[]; onChange: (value: string[]) => void };

/** Select dependencies; shows the reason for tasks that are not allowed. */
export function DependencyPicker({ plan, taskId, value, onChange }: Props) {
  const [search, setSearch] = useState("");
  const toggle = (id: string) =>
    onChange(value.includes(id) ? value.filter((one) => one !== id) : [...value, id]);
  const found = (task: Task) =>
    task.id !== taskId && `${task.key} ${task.title}`.toLowerCase().includes(search.trim().toLowerCase());
  const phases = plan.phases
    .map((phase) => ({ ...phase, tasks: phase.tasks.filter(found) }))
    .filter((phase) => phase.tasks.length > 0);
  return (
    <fieldset className={s.group}>
      <legend>Depends on</legend>
      {value.length > 0 && (
        <ul className={forms.chips}>
          {value.map((id) => (
            <li key={id} className={forms.chip}>
              <span className="truncate">{taskOf(plan, id)?.title ?? id}</span>
              <button
                type="button"
                onClick={() => toggle(id)}
                aria-label={`Remove dependency on ${taskOf(plan, id)?.title ?? id}`}
              >
                <X size={13} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        className={f.input}
        type="search"
        placeholder="Search tasks"
        aria-label="Search tasks"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {/* focusable, so that the keyboard can scroll it */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={s.picker} role="group" aria-label="Available tasks" tabIndex={0}>
        {phases.map((phase) => (
          <PhaseOptions key={phase.id} {...{ phase, plan, taskId, value, toggle }} />
        ))}
        {phases.length === 0 && <p className={s.option}>No matches</p>}
      </div>
    </fieldset>
  );
}

type OptionsProps = {
  phase: Phase;
  plan: Plan;
  taskId: string;
  value: string[];
  toggle: (id: string) => void;
};

function PhaseOptions({ phase, plan, taskId, value, toggle }: OptionsProps) {
  // check without current dependencies, or they count as duplicates
  const free = withDependencies(plan, taskId, []);
  return (
    <>
      <p className={s.pickerPhase}>{phase.title}</p>
      {phase.tasks.map((task) => {
        const isChosen = value.includes(task.id);
        const refusal = isChosen ? null : refusalOf(free, taskId, task.id);
        return (
          <div key={task.id} className={s.option}>
            <Checkbox checked={isChosen} disabled={refusal !== null} onCheckedChange={() => toggle(task.id)}>
              {task.title}
              {refusal && <span className={s.optionWhy}>{refusal.message}</span>}
            </Checkbox>
          </div>
        );
      })}
    </>
  );
}
