import { isActive, type Run } from "@/services/runs";

/** How long a run has been going: what the server said, and what has passed since it said it. */
export function elapsedMs(run: Run, now: number): number {
  return run.elapsedMs + (isActive(run) ? Math.max(0, now - run.receivedAt) : 0);
}

/** How long it will take; null if nobody can say yet. */
export function remainingMs(run: Run, now: number): number | null {
  if (run.estimatedRemainingMs === null || !isActive(run)) return null;
  return Math.max(0, run.estimatedRemainingMs - Math.max(0, now - run.receivedAt));
}
