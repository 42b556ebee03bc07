import type { PlanDialogAction } from "./usePlanControl";
import { CancelDialog } from "./CancelDialog";
import { CompleteDialog } from "./CompleteDialog";
import type { PlanDialogProps } from "./dialogProps";
import { ReasonDialog } from "./ReasonDialog";
import { RollbackDialog } from "./RollbackDialog";
import { ScheduleDialog } from "./ScheduleDialog";
import { SkipDialog } from "./SkipDialog";
import { StartDialog } from "./StartDialog";

/** Dialog for a plan action. */
export function PlanActionDialog({ action, ...props }: PlanDialogProps & { action: PlanDialogAction }) {
  switch (action.kind) {
    case "start":
      return <StartDialog {...props} />;
    case "pause":
      return <ReasonDialog {...props} />;
    case "reject":
      return <ReasonDialog {...props} task={action.task} />;
    case "cancel":
      return <CancelDialog {...props} />;
    case "schedule":
      return <ScheduleDialog {...props} />;
    case "rollback":
      return <RollbackDialog {...props} {...action} />;
    case "complete":
      return <CompleteDialog {...props} task={action.task} />;
    case "skip":
      return <SkipDialog {...props} task={action.task} />;
  }
}
