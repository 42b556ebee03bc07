import { cancelPlan } from "@/services/executions";
import { ConfirmDialog } from "@/ui/ConfirmDialog";

import type { PlanDialogProps } from "./dialogProps";

export function CancelDialog({ plan, control, onClose }: PlanDialogProps) {
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Cancel the plan?"
      confirm="Cancel plan"
      dismiss="Keep running"
      busy={control.isPending}
      onConfirm={() => control.mutate({ send: () => cancelPlan(plan.id) }, { onSuccess: onClose })}
    >
      Running tasks stop within seconds and their changes are discarded. Existing commits stay. You can run a
      cancelled plan again from the start, but you cannot resume it.
    </ConfirmDialog>
  );
}
