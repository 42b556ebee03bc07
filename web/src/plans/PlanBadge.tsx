import { StatusBadge } from "@/ui/StatusBadge";

import type { PlanStatus } from "./model";
import { PLAN_STATUSES, type StatusShown } from "./statuses";

export function PlanBadge({ status }: { status: PlanStatus }) {
  return <Status shown={PLAN_STATUSES[status]} />;
}

export function Status({ shown }: { shown: StatusShown }) {
  return (
    <StatusBadge tone={shown.tone} icon={shown.icon} spinning={shown.isMoving ?? false}>
      {shown.label}
    </StatusBadge>
  );
}
