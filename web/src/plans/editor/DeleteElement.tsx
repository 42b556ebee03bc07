import { useState } from "react";

import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { drafts } from "@/plans/drafts";
import { type Phase, type Plan, type Task, tasksOf } from "@/plans/model";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { deletePhase, deleteTask } from "@/services/plans";
import { plural } from "@/ui/format";

type Props = { plan: Plan; onClose: () => void; onDeleted?: () => void } & (
  { task: Task; phase?: never } | { phase: Phase; task?: never }
);

/** Confirm deleting a task or phase; dependents take over its dependencies. */
export function DeleteElement({ plan, task, phase, onClose, onDeleted }: Props) {
  const [inside] = useState(() => new Set(task ? [task.id] : phase.tasks.map(({ id }) => id)));
  const edit = usePlanEdit(plan.id);
  const waiting = tasksOf(plan).filter(
    (one) =>
      !inside.has(one.id) &&
      (one.dependsOn.some((id) => inside.has(id)) || (one.condition && inside.has(one.condition.taskId))),
  );
  const dependents = waiting.length > 0 || hasConditionOn(plan, inside) ? "repair" : "refuse";
  const remove = () =>
    edit.mutate(
      {
        send: (version) =>
          task ? deleteTask(task.id, dependents, version) : deletePhase(phase.id, dependents, version),
        isQuiet: true,
      },
      {
        onSuccess: () => {
          for (const id of inside) drafts.clear(id);
          onClose();
          onDeleted?.();
        },
      },
    );
  return (
    <FormDialog
      title={task ? `Delete task “${task.title}”?` : `Delete phase “${phase.title}”?`}
      description={
        phase && phase.tasks.length > 0
          ? `This also deletes its ${plural(phase.tasks.length, "task")}. The plan history keeps them.`
          : "The plan history keeps it."
      }
      submit={task ? "Delete task" : "Delete phase"}
      isDangerous
      busy={edit.isPending}
      error={edit.error}
      onSubmit={remove}
      onClose={onClose}
    >
      {waiting.length > 0 && (
        <div className={`${s.note} ${s.warning}`}>
          <p>These tasks depend on it. They will take over its dependencies:</p>
          <ul className={s.list}>
            {waiting.map(({ id, title }) => (
              <li key={id}>{title}</li>
            ))}
          </ul>
        </div>
      )}
    </FormDialog>
  );
}

function hasConditionOn(plan: Plan, ids: ReadonlySet<string>): boolean {
  return plan.phases.some((phase) => phase.condition && ids.has(phase.condition.taskId));
}
