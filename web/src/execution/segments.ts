import type { Progress } from "@/plans/model";
import type { Segments } from "@/ui/ProgressBar";

/** The tasks of a plan as parts of a bar; a cancelled task counts as one that was left out. */
export function segmentsOf({
  taskCounts,
  totalTasks,
}: Pick<Progress, "taskCounts" | "totalTasks">): Segments {
  const count = (...statuses: string[]) =>
    statuses.reduce((sum, status) => sum + (taskCounts[status] ?? 0), 0);
  return {
    total: totalTasks,
    done: count("COMPLETED"),
    failed: count("FAILED"),
    skipped: count("SKIPPED", "CANCELLED"),
    active: count("RUNNING"),
  };
}

/** Of a plan that was cancelled what is done counts: the rest has ended as well, but nobody would call it progress. */
export function percentOf({ status, progress, taskCounts, totalTasks }: Progress): number {
  if (status !== "CANCELLED") return progress;
  return totalTasks === 0 ? 0 : Math.floor((100 * (taskCounts.COMPLETED ?? 0)) / totalTasks);
}

const COUNT_LABELS = [
  ["FAILED", "failed"],
  ["SKIPPED", "skipped"],
  ["CANCELLED", "cancelled"],
  ["RUNNING", "running"],
  ["AWAITING_APPROVAL", "awaiting approval"],
] as const;

/** "3 of 9 done, 1 failed, 2 running" */
export function countsInWords({
  taskCounts,
  totalTasks,
}: Pick<Progress, "taskCounts" | "totalTasks">): string {
  const others = COUNT_LABELS.flatMap(([status, said]) =>
    taskCounts[status] ? [`${taskCounts[status]} ${said}`] : [],
  );
  return [`${taskCounts.COMPLETED ?? 0} of ${totalTasks} done`, ...others].join(", ");
}
