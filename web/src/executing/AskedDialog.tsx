import type { PlanContext } from "@/plans/planContext";

import type { Asked } from "./asking";
import { CancelDialog } from "./CancelDialog";
import { CompleteDialog } from "./CompleteDialog";
import { ReasonDialog } from "./ReasonDialog";
import { RollbackDialog } from "./RollbackDialog";
import { ScheduleDialog } from "./ScheduleDialog";
import { SkipDialog } from "./SkipDialog";
import { StartDialog } from "./StartDialog";

export type DialogProps = PlanContext & { onClose: () => void };

/** The dialog of whatever is asked. */
export function AskedDialog({ asked, ...props }: DialogProps & { asked: Asked }) {
  switch (asked.kind) {
    case "start":
      return <StartDialog {...props} />;
    case "pause":
      return <ReasonDialog {...props} />;
    case "reject":
      return <ReasonDialog {...props} task={asked.task} />;
    case "cancel":
      return <CancelDialog {...props} />;
    case "schedule":
      return <ScheduleDialog {...props} />;
    case "rollback":
      return <RollbackDialog {...props} {...asked} />;
    case "complete":
      return <CompleteDialog {...props} task={asked.task} />;
    case "skip":
      return <SkipDialog {...props} task={asked.task} />;
  }
}
