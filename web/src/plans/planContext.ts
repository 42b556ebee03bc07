import { useOutletContext } from "react-router";

import type { PlanDialogAction, usePlanControl } from "@/execution/usePlanControl";

import type { Plan, Progress, Repository } from "./model";

/** Context of the plan page for its tabs. */
export type PlanContext = {
  /** Plan with the latest statuses. */
  plan: Plan;
  progress: Progress;
  /** Arrival time of the progress, in Unix milliseconds; clocks count from there. */
  receivedAt: number;
  /** All repositories; empty while loading. */
  repositories: readonly Repository[];
  /** Repository of a task; null if loading or deleted. */
  repositoryOf: (taskId: string) => Repository | null;
  /** Opens the dialog of an action. */
  openDialog: (action: PlanDialogAction) => void;
  control: ReturnType<typeof usePlanControl>;
};

export function usePlanContext(): PlanContext {
  return useOutletContext<PlanContext>();
}
