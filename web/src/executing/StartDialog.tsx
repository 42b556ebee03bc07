import { useNavigate } from "react-router";

import { EstimateFigures } from "@/plans/EstimateFigures";
import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import { executePlan } from "@/services/executions";

import { incompleteness, isRollingBack } from "./actions";
import type { DialogProps } from "./AskedDialog";

/** Before a plan begins: what it would take, and what is in its way. */
export function StartDialog({ plan, progress, control, onClose }: DialogProps) {
  const navigate = useNavigate();
  const again = plan.status === "COMPLETED" || plan.status === "CANCELLED";
  const obstacle =
    incompleteness(plan) ?? (isRollingBack(progress) ? "Its commits are being taken back." : null);
  const begin = () =>
    control.mutate(
      { ask: () => executePlan(plan.id, again) },
      {
        onSuccess: () => {
          onClose();
          void navigate(`/plans/${plan.id}/execution`);
        },
      },
    );
  return (
    <FormDialog
      title={again ? "Carry the plan out again?" : "Carry the plan out?"}
      description={
        again
          ? "From its beginning, on a branch of its own. What the last round has done stays where it is."
          : `Each task is worked on by Claude in a clean checkout${plan.autoCommit ? ", and ends with a commit on the plan’s branch" : "; its change is kept as a patch"}.`
      }
      size="l"
      submit={again ? "Carry it out again" : "Carry it out"}
      isDisabled={obstacle !== null}
      busy={control.isPending}
      onSubmit={begin}
      onClose={onClose}
    >
      {obstacle ? <p className={`${s.note} ${s.warning}`}>{obstacle}</p> : <EstimateFigures plan={plan} />}
    </FormDialog>
  );
}
