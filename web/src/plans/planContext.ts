import { useOutletContext } from "react-router";

import type { PlanDialogAction, usePlanControl } from "@/execution/usePlanControl";

import type { Plan, Progress, Repository } from "./model";

/** What the page of a plan gives to each of its parts. */
export type PlanContext = {
  /** With the statuses of the newest progress. */
  plan: Plan;
  progress: Progress;
  /** When the progress came, in milliseconds since 1970: what is counted by the second goes on from there. */
  receivedAt: number;
  /** Where a task is carried out: the plan's repository, or one of the task's own. Null while not known, or gone. */
  repositoryOf: (taskId: string) => Repository | null;
  /** Opens the dialog in which something is action of the plan or of a task. */
  openDialog: (action: PlanDialogAction) => void;
  control: ReturnType<typeof usePlanControl>;
};

export function usePlanContext(): PlanContext {
  return useOutletContext<PlanContext>();
}
