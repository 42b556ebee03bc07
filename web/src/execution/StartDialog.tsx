import { useNavigate } from "react-router";

import { EstimateFigures } from "@/plans/EstimateFigures";
import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { executePlan } from "@/services/executions";

import { incompleteReason, isRollingBack } from "./actions";
import type { PlanDialogProps } from "./dialogProps";

/** Confirm a run: shows the estimate or the obstacle. */
export function StartDialog({ plan, progress, control, onClose }: PlanDialogProps) {
  const navigate = useNavigate();
  const again = plan.status === "COMPLETED" || plan.status === "CANCELLED";
  const obstacle = incompleteReason(plan) ?? (isRollingBack(progress) ? "A rollback is in progress." : null);
  const begin = () =>
    control.mutate(
      { send: () => executePlan(plan.id, again) },
      {
        onSuccess: () => {
          onClose();
          void navigate(`/plans/${plan.id}/execution`);
        },
      },
    );
  return (
    <FormDialog
      title={again ? "Run the plan again?" : "Run the plan?"}
      description={
        again
          ? "The plan runs from the start on a new branch. Results of the last run stay."
          : `Claude works on each task in a clean checkout${plan.autoCommit ? " and commits to the plan’s branch" : "; each change is kept as a patch"}.`
      }
      size="l"
      submit={again ? "Run again" : "Run plan"}
      isDisabled={obstacle !== null}
      busy={control.isPending}
      onSubmit={begin}
      onClose={onClose}
    >
      {obstacle ? <p className={`${s.note} ${s.warning}`}>{obstacle}</p> : <EstimateFigures plan={plan} />}
    </FormDialog>
  );
}
