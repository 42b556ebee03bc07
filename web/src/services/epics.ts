import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postJson, remove } from "@/api/client";
import { pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

export type EpicFromAPI = components["schemas"]["Epic"];
export type Epic = Omit<EpicFromAPI, "createdAt"> & { createdAt: Date };
export type EpicPatch = Partial<Pick<Epic, "title" | "description" | "goal" | "priority" | "cardIds">>;

export const epicKeys = {
  all: ["epics"] as const,
  list: (projectId: string) => [...epicKeys.all, "list", projectId] as const,
  one: (id: string) => [...epicKeys.all, "one", id] as const,
};

export function toEpic(from: EpicFromAPI): Epic {
  return { ...from, createdAt: new Date(from.createdAt) };
}

export const epicsQuery = (projectId: string) =>
  infiniteQueryOptions({
    queryKey: epicKeys.list(projectId),
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: 200, nextToken: pageParam };
      const page = await getJson<Page<EpicFromAPI>>(ofProject(projectId), { query, signal });
      return { ...page, items: page.items.map(toEpic) };
    },
    ...pageParams,
  });

export const epicQuery = (id: string) =>
  queryOptions({
    queryKey: epicKeys.one(id),
    queryFn: async ({ signal }) => toEpic(await getJson<EpicFromAPI>(path(id), { signal })),
  });

export async function createEpic(projectId: string, epic: EpicPatch & { title: string }): Promise<Epic> {
  return toEpic(await postJson<EpicFromAPI>(ofProject(projectId), epic));
}

export async function changeEpic(id: string, patch: EpicPatch): Promise<Epic> {
  return toEpic(await patchJson<EpicFromAPI>(path(id), patch));
}

/** Deletes its stories and their subtasks too. */
export function deleteEpic(id: string): Promise<void> {
  return remove(path(id));
}

const path = (id: string) => `/api/epics/${encodeURIComponent(id)}`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/epics`;
