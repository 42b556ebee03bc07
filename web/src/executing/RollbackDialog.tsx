import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { taskOf } from "@/plans/model";
import { rollBackPlan } from "@/services/executions";
import { plural } from "@/ui/format";

import type { DialogProps } from "./AskedDialog";
import { takenBack, workOf } from "./builtOn";

/** Before commits, or patches, are taken back: which, and what was built on them and goes first. */
export function RollbackDialog(props: DialogProps & { taskId?: string; phaseId?: string }) {
  const { plan, progress, control, onClose, taskId, phaseId } = props;
  const what = { ...(taskId ? { taskId } : {}), ...(phaseId ? { phaseId } : {}) };
  const { wanted, dependents } = takenBack(plan, progress, what);
  const title = (id: string) => taskOf(plan, id)?.title ?? id;
  const goesOn = plan.status === "PAUSED" || plan.status === "FAILED";
  const ask = () =>
    rollBackPlan(plan.id, { ...what, dependents: dependents.length > 0 ? "include" : "refuse" });
  const kind = workOf(plan);
  return (
    <FormDialog
      title={`Take back ${plural(wanted.length + dependents.length, ...kind)}?`}
      description={
        plan.autoCommit
          ? "Each is reverted by a commit of its own, the last one first. The history stays."
          : "They are kept, and nothing is built on them any more."
      }
      submit="Roll back"
      isDangerous
      isDisabled={wanted.length === 0}
      busy={control.isPending}
      onSubmit={() => control.mutate({ ask }, { onSuccess: onClose })}
      onClose={onClose}
    >
      {dependents.length > 0 && (
        <div className={`${s.note} ${s.warning}`}>
          <p>Built on it, and taken back before:</p>
          <Titles titles={dependents.map(title)} />
        </div>
      )}
      {wanted.length === 0 ? (
        <p className={s.note}>There is no {kind[0]} to take back.</p>
      ) : (
        <Titles titles={wanted.map(title)} />
      )}
      {goesOn && <p className={s.note}>These tasks are then to do again when the plan goes on.</p>}
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
