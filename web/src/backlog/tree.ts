/** Flatten the backlog tree into visible rows. Pure. */

import type { Epic } from "@/services/epics";
import type { Story } from "@/services/stories";
import type { Subtask } from "@/services/subtasks";

export type BacklogNode =
  { kind: "epic"; item: Epic } | { kind: "story"; item: Story } | { kind: "subtask"; item: Subtask };

export type Row =
  | (BacklogNode & { id: string; depth: number; expanded: boolean | null })
  /** Placeholder: children are loading, or there are none. */
  | { kind: "loading" | "none"; id: string; depth: number; parent: BacklogNode };

export type Root = "epics" | "stories" | "subtasks";

/** Lookups return `undefined` while children are loading. */
export type Backlog = {
  epics: Epic[];
  stories: Story[];
  subtasks: Subtask[];
  storiesOf: (epicId: string) => Story[] | undefined;
  subtasksOf: (storyId: string) => Subtask[] | undefined;
};

export function rowsOf(root: Root, backlog: Backlog, isExpanded: (id: string) => boolean): Row[] {
  const childrenOf = (node: BacklogNode): BacklogNode[] | undefined => {
    if (node.kind === "epic") return backlog.storiesOf(node.item.id)?.map(asStory);
    return node.kind === "story" ? backlog.subtasksOf(node.item.id)?.map(asSubtask) : [];
  };
  const rows: Row[] = [];
  const add = (node: BacklogNode, depth: number): void => {
    const { id } = node.item;
    const expanded = node.kind === "subtask" ? null : isExpanded(id);
    rows.push({ ...node, id, depth, expanded });
    if (!expanded) return;
    const children = childrenOf(node);
    if (!children?.length) {
      rows.push({ kind: children ? "none" : "loading", id: `${id}/`, depth: depth + 1, parent: node });
    }
    for (const child of children ?? []) add(child, depth + 1);
  };
  for (const node of rootsOf(root, backlog)) add(node, 0);
  return rows;
}

/** Matching nodes with their ancestors, from the complete lists. */
export function filterBacklog(whole: Backlog, fits: (node: BacklogNode) => boolean): Backlog {
  const subtasks = whole.subtasks.filter((item) => fits({ kind: "subtask", item }));
  const storyIds = new Set(subtasks.map((subtask) => subtask.storyId));
  const stories = whole.stories.filter((item) => storyIds.has(item.id) || fits({ kind: "story", item }));
  const epicIds = new Set(stories.map((story) => story.epicId));
  const epics = whole.epics.filter((item) => epicIds.has(item.id) || fits({ kind: "epic", item }));
  return byParent(epics, stories, subtasks);
}

/** Backlog with complete lists. */
export function byParent(epics: Epic[], stories: Story[], subtasks: Subtask[]): Backlog {
  const storiesOf = groupBy(stories, (story) => story.epicId);
  const subtasksOf = groupBy(subtasks, (subtask) => subtask.storyId);
  return {
    epics,
    stories,
    subtasks,
    storiesOf: (epicId) => storiesOf.get(epicId) ?? [],
    subtasksOf: (storyId) => subtasksOf.get(storyId) ?? [],
  };
}

function groupBy<T>(items: T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

export type BacklogFilter = { text: string; priority: string; effort: string };
export const ANY = "any";
export const NO_FILTER: BacklogFilter = { text: "", priority: ANY, effort: ANY };

export const isFiltering = (filter: BacklogFilter): boolean =>
  filter.text.trim() !== "" || filter.priority !== ANY || filter.effort !== ANY;

/** A node without the filtered field never matches (a subtask has no priority). */
export function matcher(filter: BacklogFilter): (node: BacklogNode) => boolean {
  const sought = filter.text.trim().toLowerCase();
  return (node) => {
    if (filter.priority !== ANY && (node.kind === "subtask" || node.item.priority !== filter.priority))
      return false;
    if (filter.effort !== ANY && (node.kind === "epic" || node.item.effort !== filter.effort)) return false;
    return !sought || textOf(node).toLowerCase().includes(sought);
  };
}

/** "E3 · S2": the code with its ancestors. */
export function codePath(id: string): string {
  return id.split("-").slice(1).join(" · ");
}

function textOf(node: BacklogNode): string {
  const { code, title } = node.item;
  if (node.kind === "epic") return `${code} ${title} ${node.item.description} ${node.item.goal}`;
  if (node.kind === "subtask") return `${code} ${title} ${node.item.description}`;
  const { role, want, benefit, acceptanceCriteria } = node.item;
  return [code, title, role, want, benefit, ...acceptanceCriteria].join(" ");
}

function rootsOf(root: Root, backlog: Backlog): BacklogNode[] {
  if (root === "epics") return backlog.epics.map(asEpic);
  return root === "stories" ? backlog.stories.map(asStory) : backlog.subtasks.map(asSubtask);
}

const asEpic = (item: Epic): BacklogNode => ({ kind: "epic", item });
const asStory = (item: Story): BacklogNode => ({ kind: "story", item });
const asSubtask = (item: Subtask): BacklogNode => ({ kind: "subtask", item });
