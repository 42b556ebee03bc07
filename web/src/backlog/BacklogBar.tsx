import type { ReactNode } from "react";

import { Button } from "@/ui/Button";
import { number } from "@/ui/format";
import { SearchField } from "@/ui/SearchField";
import { Select } from "@/ui/Select";

import s from "./Backlog.module.css";
import { EFFORTS, PRIORITIES } from "./marks";
import { ANY, type Root, type Wanted } from "./tree";
import type { useBacklog } from "./useBacklog";

type Props = {
  root: Root;
  wanted: Wanted;
  onWant: (wanted: Wanted) => void;
  backlog: ReturnType<typeof useBacklog>;
  add: ReactNode;
};

/** Search and filters, and what they have found so far. */
export function BacklogBar({ root, wanted, onWant, backlog, add }: Props) {
  const { searching, loading, rows, anyExpanded, collapse } = backlog;
  return (
    <div className={s.bar}>
      <SearchField
        label={`Search ${root}`}
        value={wanted.text}
        onChange={(text) => onWant({ ...wanted, text })}
      />
      {root !== "subtasks" && (
        <Select
          label="Priority"
          value={wanted.priority}
          onValueChange={(priority) => onWant({ ...wanted, priority })}
          options={[{ value: ANY, label: "Any priority" }, ...PRIORITIES]}
        />
      )}
      <Select
        label="Effort"
        value={wanted.effort}
        onValueChange={(effort) => onWant({ ...wanted, effort })}
        options={[{ value: ANY, label: "Any effort" }, ...EFFORTS]}
      />
      {anyExpanded && !searching && (
        <Button variant="ghost" onClick={collapse}>
          Collapse all
        </Button>
      )}
      {add}
      <span role="status" className={searching ? s.searching : "visually-hidden"}>
        {searching && (loading ? `${number(rows.length)} so far…` : `${number(rows.length)} found`)}
      </span>
    </div>
  );
}
