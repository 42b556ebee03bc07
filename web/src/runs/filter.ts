import type { ItemStatus, RunItem } from "@/services/runs";

export type ItemFilter = "all" | "active" | ItemStatus;

/** Matching items; the same array if no filter is set. */
export function filterItems(items: RunItem[], filter: ItemFilter, text: string): RunItem[] {
  const sought = text.trim().toLowerCase();
  if (filter === "all" && !sought) return items;
  return items.filter((item) => matches(item, filter) && (!sought || textOf(item).includes(sought)));
}

function matches(item: RunItem, filter: ItemFilter): boolean {
  if (filter === "all") return true;
  return filter === "active"
    ? item.status === "GENERATING" || item.status === "SAVING"
    : item.status === filter;
}

const textOf = (item: RunItem) =>
  `${item.targetId ?? item.code} ${item.title} ${item.errorMsg ?? ""}`.toLowerCase();
