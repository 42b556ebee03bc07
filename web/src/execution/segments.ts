import type { Progress } from "@/plans/model";
import type { Segments } from "@/ui/ProgressBar";

/** Task counts for the progress bar; cancelled tasks count as skipped. */
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

/** Progress; for a cancelled plan only completed tasks count. */
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
