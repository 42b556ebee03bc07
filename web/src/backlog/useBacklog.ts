import { useInfiniteQuery, useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { flatten } from "@/api/pages";
import { epicsQuery } from "@/services/epics";
import { epicStoriesQuery, storiesQuery } from "@/services/stories";
import { storySubtasksQuery, subtasksQuery } from "@/services/subtasks";
import { useAllPages } from "@/ui/useAllPages";

import {
  type Backlog,
  byParent,
  filterBacklog,
  matcher,
  isFiltering,
  type Root,
  type Row,
  rowsOf,
  type BacklogFilter,
} from "./tree";

/**
 * Visible rows of the backlog. Children load on expand. A search loads the whole project and expands all matches.
 */
export function useBacklog(projectId: string, root: Root, filter: BacklogFilter) {
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(new Set());
  const isSearching = isFiltering(filter);
  const lists = useLists(projectId, root, isSearching);
  const children = useChildren(expanded, !isSearching);
  const whole = useMemo(
    () => byParent(flatten(lists.epics.data), flatten(lists.stories.data), flatten(lists.subtasks.data)),
    [lists.epics.data, lists.stories.data, lists.subtasks.data],
  );
  const rows = useMemo((): Row[] => {
    if (isSearching)
      return rowsOf(root, filterBacklog(whole, matcher(filter)), () => true).filter(
        (row) => row.kind !== "none",
      );
    return rowsOf(root, { ...whole, ...children }, (id) => expanded.has(id));
  }, [isSearching, root, whole, filter, children, expanded]);
  const toggle = (id: string) => setExpanded((before) => toggled(before, id));
  const collapse = () => setExpanded(new Set());
  return {
    rows,
    toggle,
    collapse,
    anyExpanded: expanded.size > 0,
    isSearching,
    list: lists[root],
    loading: lists.loading,
  };
}

function useLists(projectId: string, root: Root, isSearching: boolean) {
  const epics = useInfiniteQuery({ ...epicsQuery(projectId), enabled: root === "epics" });
  const stories = useInfiniteQuery({
    ...storiesQuery(projectId),
    enabled: root === "stories" || (root === "epics" && isSearching),
  });
  const subtasks = useInfiniteQuery({
    ...subtasksQuery(projectId),
    enabled: root === "subtasks" || isSearching,
  });
  useAllPages(epics, isSearching && root === "epics");
  useAllPages(stories, isSearching && root !== "subtasks");
  useAllPages(subtasks, isSearching);
  const used =
    root === "epics" ? [epics, stories, subtasks] : root === "stories" ? [stories, subtasks] : [subtasks];
  const loading = used.some((list) => list.isFetching || list.hasNextPage) && isSearching;
  return { epics, stories, subtasks, loading };
}

/** Children of expanded nodes. The id shows the kind: `…-E1` is an epic, `…-E1-S2` a story. */
function useChildren(
  expanded: ReadonlySet<string>,
  enabled: boolean,
): Pick<Backlog, "storiesOf" | "subtasksOf"> {
  const ids = useMemo(() => [...expanded], [expanded]);
  const epics = ids.filter((id) => !isStory(id));
  const stories = ids.filter(isStory);
  const storiesOf = useQueries({
    queries: epics.map((id) => ({ ...epicStoriesQuery(id), enabled })),
    combine: (results) => results.map((result) => result.data),
  });
  const subtasksOf = useQueries({
    queries: stories.map((id) => ({ ...storySubtasksQuery(id), enabled })),
    combine: (results) => results.map((result) => result.data),
  });
  return {
    storiesOf: (id) => storiesOf[epics.indexOf(id)],
    subtasksOf: (id) => subtasksOf[stories.indexOf(id)],
  };
}

const isStory = (id: string) => id.split("-").length > 2;

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return next;
}
