import type { PlanContext } from "@/plans/planContext";

/** Props shared by all dialogs of a plan. */
export type PlanDialogProps = PlanContext & { onClose: () => void };
