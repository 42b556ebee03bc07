import { useState } from "react";
import { useNavigate } from "react-router";

import { ApiError } from "@/api/errors";
import { EstimateFigures } from "@/plans/EstimateFigures";
import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { executePlan } from "@/services/executions";

import { ChecksObstacle, isChecksObstacle } from "./ChecksObstacle";
import { incompleteReason, isRollingBack } from "./actions";
import type { PlanDialogProps } from "./dialogProps";

/** Confirm a run: shows the estimate or the obstacle. */
export function StartDialog({ plan, progress, control, repositories, onClose }: PlanDialogProps) {
  const [refusal, setRefusal] = useState<ApiError | null>(null);
  const navigate = useNavigate();
  const again = plan.status === "COMPLETED" || plan.status === "CANCELLED";
  const obstacle = incompleteReason(plan) ?? (isRollingBack(progress) ? "A rollback is in progress." : null);
  const refusedId = refusal?.detail("repositoryId") ?? plan.repositoryId;
  const refusedName = repositories.find(({ id }) => id === refusedId)?.name ?? null;
  const begin = () =>
    control.mutate(
      { send: () => executePlan(plan.id, again), isExpected },
      {
        onError: (error) => setRefusal(isExpected(error) ? error : null),
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
      {refusal && <ChecksObstacle error={refusal} repositoryId={refusedId} repositoryName={refusedName} />}
    </FormDialog>
  );
}

function isExpected(error: unknown): error is ApiError {
  return error instanceof ApiError && isChecksObstacle(error);
}
