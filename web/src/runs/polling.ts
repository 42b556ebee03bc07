/** When to ask again. Pure: what is known in, milliseconds out; false for never. */

import { isRetryable } from "@/api/errors";
import type { Run } from "@/services/runs";

const FASTEST_MS = 500;
const AFTER_FAILURE_MS = 3_000;

/** As the run says; at a steady pace while nothing answers; never again for what is gone or refused. */
export function nextPollMs(run: Run | undefined, error: unknown): number | false {
  if (error) return isRetryable(error) && AFTER_FAILURE_MS;
  return run ? Math.max(FASTEST_MS, run.pollAfterMs) : false;
}
