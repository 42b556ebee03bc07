/** Labels, icons and tones of statuses. */
import {
  Ban,
  CircleCheck,
  CircleCheckBig,
  CircleDashed,
  CirclePause,
  CircleX,
  Clock,
  Hand,
  LoaderCircle,
  type LucideIcon,
  PencilLine,
  SkipForward,
} from "lucide-react";

import type { Tone } from "@/ui/StatusBadge";

import type { Iteration, PhaseProgress, PlanStatus, TaskStatus } from "./model";

export type StatusShown = { label: string; tone: Tone; icon: LucideIcon; isMoving?: boolean };

export const PLAN_STATUSES: Record<PlanStatus, StatusShown> = {
  GENERATING: { label: "Generating", tone: "violet", icon: LoaderCircle, isMoving: true },
  DRAFT: { label: "Draft", tone: "grey", icon: PencilLine },
  READY: { label: "Ready", tone: "violet", icon: CircleCheckBig },
  RUNNING: { label: "Running", tone: "blue", icon: LoaderCircle, isMoving: true },
  PAUSING: { label: "Pausing", tone: "amber", icon: CirclePause, isMoving: true },
  PAUSED: { label: "Paused", tone: "amber", icon: CirclePause },
  COMPLETED: { label: "Completed", tone: "green", icon: CircleCheck },
  FAILED: { label: "Failed", tone: "red", icon: CircleX },
  CANCELLED: { label: "Cancelled", tone: "grey", icon: Ban },
};

export const TASK_STATUSES: Record<TaskStatus, StatusShown> = {
  PENDING: { label: "Pending", tone: "grey", icon: CircleDashed },
  WAITING: { label: "Waiting", tone: "grey", icon: Clock },
  AWAITING_APPROVAL: { label: "Awaiting approval", tone: "amber", icon: Hand },
  RUNNING: { label: "Running", tone: "blue", icon: LoaderCircle, isMoving: true },
  COMPLETED: { label: "Completed", tone: "green", icon: CircleCheck },
  FAILED: { label: "Failed", tone: "red", icon: CircleX },
  SKIPPED: { label: "Skipped", tone: "grey", icon: SkipForward },
  CANCELLED: { label: "Cancelled", tone: "grey", icon: Ban },
};

export const PHASE_STATUSES: Record<PhaseProgress["status"], StatusShown> = TASK_STATUSES;

export const ITERATION_STATUSES: Record<Iteration["status"], StatusShown> = {
  PENDING: { label: "Pending", tone: "violet", icon: LoaderCircle, isMoving: true },
  DONE: { label: "Done", tone: "green", icon: CircleCheck },
  FAILED: { label: "Failed", tone: "red", icon: CircleX },
  CANCELLED: { label: "Cancelled", tone: "grey", icon: Ban },
};
