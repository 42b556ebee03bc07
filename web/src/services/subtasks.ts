import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postJson, remove } from "@/api/client";
import { fetchAllPages, pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

export type SubtaskFromAPI = components["schemas"]["Subtask"];
export type Subtask = Omit<SubtaskFromAPI, "createdAt"> & { createdAt: Date };
export type SubtaskPatch = Partial<Pick<Subtask, "title" | "description" | "effort">>;

export const subtaskKeys = {
  all: ["subtasks"] as const,
  ofProject: (projectId: string) => [...subtaskKeys.all, "project", projectId] as const,
  ofStory: (storyId: string) => [...subtaskKeys.all, "story", storyId] as const,
  one: (id: string) => [...subtaskKeys.all, "one", id] as const,
};

export function toSubtask(from: SubtaskFromAPI): Subtask {
  return { ...from, createdAt: new Date(from.createdAt) };
}

export const subtasksQuery = (projectId: string) =>
  infiniteQueryOptions({
    queryKey: subtaskKeys.ofProject(projectId),
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: 200, nextToken: pageParam };
      const page = await getJson<Page<SubtaskFromAPI>>(ofProject(projectId), { query, signal });
      return { ...page, items: page.items.map(toSubtask) };
    },
    ...pageParams,
  });

/** All subtasks of a story: there are few. */
export const storySubtasksQuery = (storyId: string) =>
  queryOptions({
    queryKey: subtaskKeys.ofStory(storyId),
    queryFn: async ({ signal }) => {
      const page = (nextToken: string | null) =>
        getJson<Page<SubtaskFromAPI>>(ofStory(storyId), { query: { limit: 200, nextToken }, signal });
      return (await fetchAllPages(page)).map(toSubtask);
    },
  });

export const subtaskQuery = (id: string) =>
  queryOptions({
    queryKey: subtaskKeys.one(id),
    queryFn: async ({ signal }) => toSubtask(await getJson<SubtaskFromAPI>(path(id), { signal })),
  });

export async function createSubtask(
  storyId: string,
  subtask: SubtaskPatch & { title: string },
): Promise<Subtask> {
  return toSubtask(await postJson<SubtaskFromAPI>(ofStory(storyId), subtask));
}

export async function changeSubtask(id: string, patch: SubtaskPatch): Promise<Subtask> {
  return toSubtask(await patchJson<SubtaskFromAPI>(path(id), patch));
}

export function deleteSubtask(id: string): Promise<void> {
  return remove(path(id));
}

const path = (id: string) => `/api/subtasks/${encodeURIComponent(id)}`;
const ofStory = (storyId: string) => `/api/stories/${encodeURIComponent(storyId)}/subtasks`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/subtasks`;
