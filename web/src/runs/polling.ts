/** Polling interval in milliseconds; false for never. Pure. */

import { isRetryable } from "@/api/errors";
import type { Run } from "@/services/runs";

const FASTEST_MS = 500;
const AFTER_FAILURE_MS = 3_000;

/** The run's interval; a fixed one after network errors; none after a permanent error. */
export function nextPollMs(run: Run | undefined, error: unknown): number | false {
  if (error) return isRetryable(error) && AFTER_FAILURE_MS;
  return run ? Math.max(FASTEST_MS, run.pollAfterMs) : false;
}
