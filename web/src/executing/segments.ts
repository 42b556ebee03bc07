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
