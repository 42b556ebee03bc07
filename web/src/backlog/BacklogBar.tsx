import type { ReactNode } from "react";

import { Button } from "@/ui/Button";
import { number } from "@/ui/format";
import { SearchField } from "@/ui/SearchField";
import { Select } from "@/ui/Select";

import s from "./Backlog.module.css";
import { EFFORTS, PRIORITIES } from "./badges";
import { ANY, type Root, type BacklogFilter } from "./tree";
import type { useBacklog } from "./useBacklog";

type Props = {
  root: Root;
  filter: BacklogFilter;
  onFilter: (filter: BacklogFilter) => void;
  backlog: ReturnType<typeof useBacklog>;
  add: ReactNode;
};

/** Search, filters and the number of matches. */
export function BacklogBar({ root, filter, onFilter, backlog, add }: Props) {
  const { isSearching, loading, rows, anyExpanded, collapse } = backlog;
  return (
    <div className={s.bar}>
      <SearchField
        label={`Search ${root}`}
        value={filter.text}
        onChange={(text) => onFilter({ ...filter, text })}
      />
      {root !== "subtasks" && (
        <Select
          label="Priority"
          value={filter.priority}
          onValueChange={(priority) => onFilter({ ...filter, priority })}
          options={[{ value: ANY, label: "Any priority" }, ...PRIORITIES]}
        />
      )}
      <Select
        label="Effort"
        value={filter.effort}
        onValueChange={(effort) => onFilter({ ...filter, effort })}
        options={[{ value: ANY, label: "Any effort" }, ...EFFORTS]}
      />
      {anyExpanded && !isSearching && (
        <Button variant="ghost" onClick={collapse}>
          Collapse all
        </Button>
      )}
      {add}
      <span role="status" className={isSearching ? s.searching : "visually-hidden"}>
        {isSearching && (loading ? `${number(rows.length)} so far…` : `${number(rows.length)} found`)}
      </span>
    </div>
  );
}
