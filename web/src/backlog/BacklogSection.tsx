import { useQuery } from "@tanstack/react-query";
import { BookOpenText, ListFilter, Mountain, Plus, SquareCheckBig } from "lucide-react";
import { type ReactNode, useDeferredValue, useState } from "react";
import { useSearchParams } from "react-router";

import { type Selection, useSelection } from "@/cards/useSelection";
import { runTypeLabels } from "@/runs/labels";
import type { Project } from "@/services/projects";
import type { BacklogRunType } from "@/services/runs";
import { storyQuery } from "@/services/stories";
import type { RunPreset } from "@/start-run/StartRunDialog";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { Panel } from "@/ui/Panel";
import { Skeleton } from "@/ui/Skeleton";
import { VirtualList } from "@/ui/VirtualList";

import { AddDialog, type NewItemParent } from "./AddDialog";
import { BacklogBar } from "./BacklogBar";
import s from "./Backlog.module.css";
import { BacklogRow } from "./BacklogRow";
import { SelectedStories } from "./SelectedStories";
import { DetailPanel } from "./DetailPanel";
import { isFiltering, type BacklogNode, NO_FILTER, type Root, type Row } from "./tree";
import { useBacklog } from "./useBacklog";

type Props = { project: Project; root: Root; onRun: (preset: RunPreset) => void };

/** Epics with their stories, stories with their subtasks; or all stories, or all subtasks. */
export function BacklogSection({ project, root, onRun }: Props) {
  const [filter, setFilter] = useState(NO_FILTER);
  const backlog = useBacklog(project.id, root, useDeferredValue(filter));
  const { shown, show } = useDetailPanel();
  const selection = useSelection();
  const [adding, setAdding] = useState<NewItemParent | null>(null);
  const { list, rows } = backlog;
  // render rows at low priority to keep the page responsive
  const isReady = useDeferredValue(list.data !== undefined);
  if (list.isPending) return <Skeleton lines={6} height={38} />;
  if (!list.data) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  if (!isReady) return <Skeleton lines={6} height={38} />;
  const empty = rows.length === 0 && !isFiltering(filter);
  const add = root === "epics" && (
    <Button icon={Plus} onClick={() => setAdding({ kind: "epic", parentId: project.id })}>
      Add epic
    </Button>
  );
  return (
    <>
      {empty ? (
        <EmptyBacklog root={root} project={project} onRun={onRun} also={add} />
      ) : (
        <Panel flush label={root}>
          <BacklogBar root={root} filter={filter} onFilter={setFilter} backlog={backlog} add={add} />
          <SelectedStories selection={selection} onRun={onRun} />
          <Rows
            root={root}
            backlog={backlog}
            selection={root === "stories" ? selection : null}
            onShow={show}
            onAdd={setAdding}
            onRun={onRun}
          />
        </Panel>
      )}
      <DetailPanel node={shown} onClose={() => show(null)} />
      <AddDialog adding={adding} onClose={() => setAdding(null)} />
    </>
  );
}

/** Item in the detail panel: clicked, or linked by `?show=`. */
function useDetailPanel() {
  const [clicked, setClicked] = useState<BacklogNode | null>(null);
  const [search, setSearch] = useSearchParams();
  const linkedId = search.get("show");
  const linked = useQuery({ ...storyQuery(linkedId ?? ""), enabled: linkedId !== null }).data;
  const show = (node: BacklogNode | null) => {
    setClicked(node);
    if (linkedId !== null) {
      const rest = new URLSearchParams(search);
      rest.delete("show");
      setSearch(rest, { replace: true, preventScrollReset: true });
    }
  };
  const shown: BacklogNode | null = clicked ?? (linkedId && linked ? { kind: "story", item: linked } : null);
  return { shown, show };
}

type RowsProps = {
  root: Root;
  selection: Selection | null;
  backlog: ReturnType<typeof useBacklog>;
  onShow: (node: BacklogNode) => void;
  onAdd: (adding: NewItemParent) => void;
  onRun: (preset: RunPreset) => void;
};

function Rows({ root, backlog, ...actions }: RowsProps) {
  const { rows, list, loading, isSearching } = backlog;
  if (rows.length === 0) {
    if (loading) return <Placeholder>Searching…</Placeholder>;
    return (
      <EmptyState compact icon={ListFilter} title="No matches">
        Change the search or the filters.
      </EmptyState>
    );
  }
  return (
    <VirtualList
      label={root}
      count={rows.length}
      rowHeight={44}
      keyOf={(index) => rows[index]?.id ?? String(index)}
      onEnd={() => {
        if (!isSearching && list.hasNextPage && !list.isFetching) void list.fetchNextPage();
      }}
    >
      {(index) =>
        rows[index] && <RowOrPlaceholder row={rows[index]} root={root} backlog={backlog} {...actions} />
      }
    </VirtualList>
  );
}

function RowOrPlaceholder({
  row,
  root,
  backlog,
  selection,
  onAdd,
  onRun,
  ...rest
}: RowsProps & { row: Row }) {
  if ("item" in row) {
    return <BacklogRow {...{ row, root, selection, onAdd, onRun }} onToggle={backlog.toggle} {...rest} />;
  }
  if (row.kind === "loading") return <Placeholder depth={row.depth}>Loading…</Placeholder>;
  const story = row.parent.kind === "story";
  const { id } = row.parent.item;
  const generate = () =>
    onRun(story ? { type: "GENERATE_SUBTASKS", chosen: [id] } : { type: "GENERATE_STORIES", chosen: [id] });
  return (
    <Placeholder depth={row.depth}>
      No {story ? "subtasks" : "stories"} yet.
      <Button size="s" variant="ghost" onClick={generate}>
        Generate {story ? "subtasks" : "stories"}
      </Button>
      <Button
        size="s"
        variant="ghost"
        onClick={() => onAdd({ kind: story ? "subtask" : "story", parentId: id })}
      >
        Add {story ? "subtask" : "story"}
      </Button>
    </Placeholder>
  );
}

function Placeholder({ depth = 0, children }: { depth?: number; children: ReactNode }) {
  return (
    <div className={s.state} style={{ "--depth": depth } as React.CSSProperties}>
      {children}
    </div>
  );
}

const EMPTY = {
  epics: {
    icon: Mountain,
    run: "GENERATE_EPICS",
    title: "No epics yet",
    from: "cards",
    text: "An epic groups cards with the same need. Import and analyze cards, then generate epics.",
  },
  stories: {
    icon: BookOpenText,
    run: "GENERATE_STORIES",
    title: "No stories yet",
    from: "epics",
    text: "A story states who needs what, and why. Generate stories from your epics.",
  },
  subtasks: {
    icon: SquareCheckBig,
    run: "GENERATE_SUBTASKS",
    title: "No subtasks yet",
    from: "stories",
    text: "A subtask is one small piece of work on a story.",
  },
} as const;

function EmptyBacklog({
  root,
  project,
  onRun,
  also,
}: {
  root: Root;
  project: Project;
  onRun: (preset: RunPreset) => void;
  also: ReactNode;
}) {
  const { icon, run, title, from, text } = EMPTY[root];
  const type: BacklogRunType = run;
  return (
    <EmptyState
      icon={icon}
      title={title}
      action={
        <>
          <Button variant="primary" disabled={project.counts[from] === 0} onClick={() => onRun({ type })}>
            {runTypeLabels(type).title}
          </Button>
          {also}
        </>
      }
    >
      {text}
    </EmptyState>
  );
}
