import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postJson, remove } from "@/api/client";
import { fetchAllPages, pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type StoryFromAPI = Schemas["Story"];
export type Story = Omit<StoryFromAPI, "createdAt"> & { createdAt: Date };
export type StoryWithPlans = Story & { plans: Schemas["StoryPlan"][] };
export type StoryPatch = Partial<
  Pick<
    Story,
    "title" | "role" | "want" | "benefit" | "acceptanceCriteria" | "priority" | "effort" | "cardIds"
  >
>;

export const storyKeys = {
  all: ["stories"] as const,
  ofProject: (projectId: string) => [...storyKeys.all, "project", projectId] as const,
  ofEpic: (epicId: string) => [...storyKeys.all, "epic", epicId] as const,
  one: (id: string) => [...storyKeys.all, "one", id] as const,
};

export function toStory<T extends StoryFromAPI>(from: T): Omit<T, "createdAt"> & { createdAt: Date } {
  return { ...from, createdAt: new Date(from.createdAt) };
}

export const storiesQuery = (projectId: string) =>
  infiniteQueryOptions({
    queryKey: storyKeys.ofProject(projectId),
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: 200, nextToken: pageParam };
      const page = await getJson<Page<StoryFromAPI>>(ofProject(projectId), { query, signal });
      return { ...page, items: page.items.map((one): Story => toStory(one)) };
    },
    ...pageParams,
  });

/** All stories of an epic: there are few. */
export const epicStoriesQuery = (epicId: string) =>
  queryOptions({
    queryKey: storyKeys.ofEpic(epicId),
    queryFn: async ({ signal }) => {
      const page = (nextToken: string | null) =>
        getJson<Page<StoryFromAPI>>(ofEpic(epicId), { query: { limit: 200, nextToken }, signal });
      return (await fetchAllPages(page)).map((one): Story => toStory(one));
    },
  });

/** Story with its plans. */
export const storyQuery = (id: string) =>
  queryOptions({
    queryKey: storyKeys.one(id),
    queryFn: async ({ signal }): Promise<StoryWithPlans> =>
      toStory(await getJson<Schemas["StoryDetails"]>(path(id), { signal })),
  });

export async function createStory(epicId: string, story: StoryPatch & { title: string }): Promise<Story> {
  return toStory(await postJson<StoryFromAPI>(ofEpic(epicId), story));
}

export async function changeStory(id: string, patch: StoryPatch): Promise<Story> {
  return toStory(await patchJson<StoryFromAPI>(path(id), patch));
}

/** Deletes its subtasks too. */
export function deleteStory(id: string): Promise<void> {
  return remove(path(id));
}

const path = (id: string) => `/api/stories/${encodeURIComponent(id)}`;
const ofEpic = (epicId: string) => `/api/epics/${encodeURIComponent(epicId)}/stories`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/stories`;
