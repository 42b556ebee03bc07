import type { Run } from "@/services/runs";
import type { Segments } from "@/ui/ProgressBar";

export function segmentsOf(run: Run): Segments {
  return {
    total: run.totalItems,
    done: run.completedItems,
    failed: run.failedItems,
    skipped: run.skippedItems,
    active: run.activeItems,
  };
}
