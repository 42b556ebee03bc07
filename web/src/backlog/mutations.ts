import type { QueryClient } from "@tanstack/react-query";

import { cardKeys } from "@/services/cards";
import { type EpicPatch, changeEpic, createEpic, deleteEpic, epicKeys } from "@/services/epics";
import { projectKeys } from "@/services/projects";
import { changeStory, createStory, deleteStory, storyKeys, type StoryPatch } from "@/services/stories";
import {
  changeSubtask,
  createSubtask,
  deleteSubtask,
  subtaskKeys,
  type SubtaskPatch,
} from "@/services/subtasks";

import type { BacklogNode } from "./tree";

export type Patch = EpicPatch & StoryPatch & SubtaskPatch;

/** The valid fields depend on the kind of node. */
export function change({ kind, item }: BacklogNode, patch: Patch): Promise<unknown> {
  if (kind === "epic") return changeEpic(item.id, patch);
  return kind === "story" ? changeStory(item.id, patch) : changeSubtask(item.id, patch);
}

export function create(kind: BacklogNode["kind"], parentId: string, title: string): Promise<unknown> {
  if (kind === "epic") return createEpic(parentId, { title });
  return kind === "story" ? createStory(parentId, { title }) : createSubtask(parentId, { title });
}

/** Also deletes all children. */
export function remove({ kind, item }: BacklogNode): Promise<void> {
  if (kind === "epic") return deleteEpic(item.id);
  return kind === "story" ? deleteStory(item.id) : deleteSubtask(item.id);
}

/** A change affects several lists and the project's counts. */
export function refreshBacklog(queries: QueryClient): Promise<unknown> {
  const stale = [epicKeys.all, storyKeys.all, subtaskKeys.all, projectKeys.all];
  return Promise.all(stale.map((queryKey) => queries.invalidateQueries({ queryKey })));
}

export function refreshCards(queries: QueryClient): Promise<unknown> {
  const stale = [cardKeys.all, epicKeys.all, storyKeys.all, projectKeys.all];
  return Promise.all(stale.map((queryKey) => queries.invalidateQueries({ queryKey })));
}
