/** How a run's items are kept up to date from answers that hold only what has changed. Pure. */

import { type RunAnswer, type Run, type RunItem, toItem, toRun } from "@/services/runs";

export type RunView = {
  run: Run;
  /** By index, without gaps only once the run has queued all. */
  items: RunItem[];
  etag: string | null;
  /** What `totalItems` was when all items were last asked for; null if they were still being queued. */
  listed: number | null;
};

const IN_FLIGHT = new Set(["GENERATING", "SAVING"]);

export const isInFlight = (item: RunItem): boolean => IN_FLIGHT.has(item.status);

/** An answer that has all items. */
export function viewOf(answer: RunAnswer, etag: string | null, receivedAt: number): RunView {
  const { items = [], ...progress } = answer;
  const run = toRun(progress, receivedAt);
  return { run, items: items.map(toItem), etag, listed: isQueueing(run) ? null : run.totalItems };
}

/** Whether what has changed is not enough: a run lists its items while it is queued. */
export function needsFullList(view: RunView | undefined): boolean {
  if (!view) return true;
  return !isQueueing(view.run) && view.listed !== view.run.totalItems;
}

/**
 * What is known, with an answer of what has changed since. An answer older than what is known changes nothing: reads
 * are eventually consistent and may step back.
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
 * `changed` replaces by id. It always lists all that is in flight, so an item that is not among them any more waits
 * again. The list itself is the same if nothing in it has changed.
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
