import { ListFilter } from "lucide-react";
import { memo, useDeferredValue, useMemo, useState } from "react";

import { codePath } from "@/backlog/tree";
import type { Run, RunItem } from "@/services/runs";
import { duration, money, number, humanize } from "@/ui/format";
import { EmptyState } from "@/ui/EmptyState";
import { SearchField } from "@/ui/SearchField";
import { Skeleton } from "@/ui/Skeleton";
import { VirtualTable } from "@/ui/VirtualList";

import { ItemStatusBadge } from "./badges";
import { type ItemFilter, filterItems } from "./filter";
import s from "./RunItems.module.css";

const COLUMNS = [
  { name: "Item" },
  { name: "Status" },
  { name: "Created", align: "end" as const },
  { name: "Time", align: "end" as const },
  { name: "Cost", align: "end" as const },
];
const TEMPLATE = "minmax(0, 1fr) 124px 56px 72px 72px";
const NARROW = "minmax(0, 1fr) auto auto auto";

/** Virtual table of a run's items. */
export function RunItems({ run, items, complete }: { run: Run; items: RunItem[]; complete: boolean }) {
  const [filter, setFilter] = useState<ItemFilter>("all");
  const [text, setText] = useState("");
  // filter at low priority to keep typing responsive
  const sought = useDeferredValue(text);
  const shown = useMemo(() => filterItems(items, filter, sought), [items, filter, sought]);
  return (
    <>
      <div className={s.bar}>
        <h2 className={s.title}>Items</h2>
        <Filters run={run} value={filter} onChange={setFilter} />
        <SearchField label="Search items" value={text} onChange={setText} />
      </div>
      {shown.length > 0 ? (
        <VirtualTable
          label="Items"
          count={shown.length}
          rowHeight={42}
          columns={COLUMNS}
          template={TEMPLATE}
          narrow={NARROW}
          keyOf={(index) => shown[index]?.id ?? String(index)}
        >
          {(index) => shown[index] && <Cells item={shown[index]} />}
        </VirtualTable>
      ) : (
        <NoItems loading={items.length === 0 && !complete} none={items.length === 0} />
      )}
    </>
  );
}

function NoItems({ loading, none }: { loading: boolean; none: boolean }) {
  if (loading) {
    return (
      <div className={s.loading}>
        <p className={s.hint}>Listing items…</p>
        <Skeleton lines={3} />
      </div>
    );
  }
  return <EmptyState compact icon={ListFilter} title={none ? "This run has no items" : "No matches"} />;
}

function Filters({
  run,
  value,
  onChange,
}: {
  run: Run;
  value: ItemFilter;
  onChange: (value: ItemFilter) => void;
}) {
  const choices: { value: ItemFilter; label: string; count: number }[] = [
    { value: "all", label: "All", count: run.totalItems },
    { value: "active", label: "In progress", count: run.activeItems },
    { value: "FAILED", label: "Failed", count: run.failedItems },
    { value: "COMPLETED", label: "Completed", count: run.completedItems },
    { value: "SKIPPED", label: "Skipped", count: run.skippedItems },
    { value: "PENDING", label: "Pending", count: run.pendingItems },
  ];
  return (
    <div className={s.filters} role="group" aria-label="Filter items by status">
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          className={s.filter}
          aria-pressed={value === choice.value}
          onClick={() => onChange(choice.value)}
        >
          {choice.label} <span className={s.filterCount}>{number(choice.count)}</span>
        </button>
      ))}
    </div>
  );
}

/** Memoized: re-renders only if its item changes. */
const Cells = memo(function Cells({ item }: { item: RunItem }) {
  return (
    <>
      <div role="cell" className={s.what}>
        <span className={s.name}>
          <span className={s.code}>{item.targetId === null ? item.code : codePath(item.targetId)}</span>
          <span className="truncate">{item.title}</span>
        </span>
        {item.errorMsg !== null && (
          <span className={s.error}>
            {item.errorCode && <strong>{humanize(item.errorCode)}.</strong>} {item.errorMsg}
          </span>
        )}
      </div>
      <div role="cell" className={s.status}>
        <ItemStatusBadge status={item.status} />
        {item.attempts > 1 && <span className={s.attempts}>{item.attempts} attempts</span>}
      </div>
      <div role="cell" className={s.number}>
        {item.created > 0 ? item.created : ""}
      </div>
      <div role="cell" className={s.number}>
        {item.durationMs === null ? "" : duration(item.durationMs)}
      </div>
      <div role="cell" className={s.number}>
        {item.costUsd > 0 ? money(item.costUsd) : ""}
      </div>
    </>
  );
});
