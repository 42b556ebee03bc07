/** Merge incremental answers into the items of a run. Pure. */

import { type RunAnswer, type Run, type RunItem, toItem, toRun } from "@/services/runs";

export type RunView = {
  run: Run;
  /** By index, without gaps only once the run has queued all. */
  items: RunItem[];
  etag: string | null;
  /** `totalItems` at the last full load; null while items were still being queued. */
  listed: number | null;
};

const IN_FLIGHT = new Set(["GENERATING", "SAVING"]);

export const isInFlight = (item: RunItem): boolean => IN_FLIGHT.has(item.status);

/** View of a full answer. */
export function viewOf(answer: RunAnswer, etag: string | null, receivedAt: number): RunView {
  const { items = [], ...progress } = answer;
  const run = toRun(progress, receivedAt);
  return { run, items: items.map(toItem), etag, listed: isQueueing(run) ? null : run.totalItems };
}

/** True if increments are not enough: a queued run is still adding items. */
export function needsFullList(view: RunView | undefined): boolean {
  if (!view) return true;
  return !isQueueing(view.run) && view.listed !== view.run.totalItems;
}

/**
 * Apply an incremental answer. Ignore older answers: reads are eventually consistent.
 */
export function mergeAnswer(
  known: RunView,
  answer: RunAnswer,
  etag: string | null,
  receivedAt: number,
): RunView {
  if (answer.seq < known.run.seq) return known;
  const { items = [], ...progress } = answer;
  return {
    ...known,
    run: toRun(progress, receivedAt),
    items: mergeItems(known.items, items.map(toItem)),
    etag,
  };
}

/**
 * Replace changed items by id. `changed` lists all items in flight, so any other active item is pending again. Returns
 * the same array if nothing changed.
 */
export function mergeItems(known: RunItem[], changed: RunItem[]): RunItem[] {
  const fresh = new Map(changed.map((item) => [item.id, item]));
  const items = known.map((item) => {
    const next = fresh.get(item.id) ?? (isInFlight(item) ? { ...item, status: "PENDING" as const } : item);
    fresh.delete(item.id);
    return next;
  });
  if (fresh.size === 0) return items.every((item, index) => item === known[index]) ? known : items;
  return [...items, ...fresh.values()].sort((a, b) => a.index - b.index);
}

function isQueueing(run: Run): boolean {
  return run.phase === "WAITING" || run.phase === "QUEUEING";
}
