import { isActive, type Run } from "@/services/runs";

/** Elapsed time: the server's value plus the time since its answer. */
export function elapsedMs(run: Run, now: number): number {
  return run.elapsedMs + (isActive(run) ? Math.max(0, now - run.receivedAt) : 0);
}

/** Remaining time, or null if unknown. */
export function remainingMs(run: Run, now: number): number | null {
  if (run.estimatedRemainingMs === null || !isActive(run)) return null;
  return Math.max(0, run.estimatedRemainingMs - Math.max(0, now - run.receivedAt));
}
