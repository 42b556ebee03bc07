import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { taskOf } from "@/plans/model";
import { rollBackPlan } from "@/services/executions";
import { plural } from "@/ui/format";

import type { PlanDialogProps } from "./dialogProps";
import { rollbackScope, changeNoun } from "./rollbackScope";

/** Confirm a rollback: lists the changes and their dependents. */
export function RollbackDialog(props: PlanDialogProps & { taskId?: string; phaseId?: string }) {
  const { plan, progress, control, onClose, taskId, phaseId } = props;
  const what = { ...(taskId ? { taskId } : {}), ...(phaseId ? { phaseId } : {}) };
  const { targets, dependents } = rollbackScope(plan, progress, what);
  const title = (id: string) => taskOf(plan, id)?.title ?? id;
  const goesOn = plan.status === "PAUSED" || plan.status === "FAILED";
  const send = () =>
    rollBackPlan(plan.id, { ...what, dependents: dependents.length > 0 ? "include" : "refuse" });
  const kind = changeNoun(plan);
  return (
    <FormDialog
      title={`Roll back ${plural(targets.length + dependents.length, ...kind)}?`}
      description={
        plan.autoCommit
          ? "Each commit is reverted by a new commit, newest first. The history stays."
          : "The patches are kept, but later tasks no longer build on them."
      }
      submit="Roll back"
      isDangerous
      isDisabled={targets.length === 0}
      busy={control.isPending}
      onSubmit={() => control.mutate({ send }, { onSuccess: onClose })}
      onClose={onClose}
    >
      {dependents.length > 0 && (
        <div className={`${s.note} ${s.warning}`}>
          <p>These depend on it and are rolled back first:</p>
          <Titles titles={dependents.map(title)} />
        </div>
      )}
      {targets.length === 0 ? (
        <p className={s.note}>There is no {kind[0]} to roll back.</p>
      ) : (
        <Titles titles={targets.map(title)} />
      )}
      {goesOn && <p className={s.note}>These tasks run again when the plan resumes.</p>}
    </FormDialog>
  );
}

function Titles({ titles }: { titles: string[] }) {
  return (
    <ul className={s.list}>
      {titles.map((title, index) => (
        <li key={index}>{title}</li>
      ))}
    </ul>
  );
}
