import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleMinus,
  Clock,
  LoaderCircle,
  type LucideIcon,
  Save,
  TriangleAlert,
} from "lucide-react";

import type { ItemStatus, RunStatus } from "@/services/runs";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

import { ITEM_STATUS_LABELS, RUN_STATUS_LABELS } from "./labels";

type Look = { tone: Tone; icon: LucideIcon; spinning?: boolean };

const RUN: Record<RunStatus, Look> = {
  QUEUED: { tone: "grey", icon: Clock },
  RUNNING: { tone: "blue", icon: LoaderCircle, spinning: true },
  SUCCEEDED: { tone: "green", icon: CircleCheck },
  PARTIAL: { tone: "amber", icon: TriangleAlert },
  FAILED: { tone: "red", icon: CircleAlert },
  CANCELLED: { tone: "grey", icon: Ban },
};

const ITEM: Record<ItemStatus, Look> = {
  PENDING: { tone: "grey", icon: CircleDashed },
  GENERATING: { tone: "blue", icon: LoaderCircle, spinning: true },
  SAVING: { tone: "violet", icon: Save },
  COMPLETED: { tone: "green", icon: CircleCheck },
  FAILED: { tone: "red", icon: CircleAlert },
  SKIPPED: { tone: "grey", icon: CircleMinus },
};

export function RunStatusBadge({ status }: { status: RunStatus }) {
  return <StatusBadge {...RUN[status]}>{RUN_STATUS_LABELS[status]}</StatusBadge>;
}

export function ItemStatusBadge({ status }: { status: ItemStatus }) {
  return <StatusBadge {...ITEM[status]}>{ITEM_STATUS_LABELS[status]}</StatusBadge>;
}
