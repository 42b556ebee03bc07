import { cancelPlan } from "@/services/executions";
import { ConfirmDialog } from "@/ui/ConfirmDialog";

import type { DialogProps } from "./AskedDialog";

export function CancelDialog({ plan, control, onClose }: DialogProps) {
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title="Cancel the plan?"
      confirm="Cancel the plan"
      busy={control.isPending}
      onConfirm={() => control.mutate({ ask: () => cancelPlan(plan.id) }, { onSuccess: onClose })}
    >
      What is being worked on stops within seconds and counts for nothing. Commits that are made stay. A
      cancelled plan can be carried out again from its beginning, but it cannot go on.
    </ConfirmDialog>
  );
}
