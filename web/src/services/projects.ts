import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postJson, remove } from "@/api/client";
import { pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

export type ProjectFromAPI = components["schemas"]["Project"];
export type Counts = ProjectFromAPI["counts"];
export type Project = Omit<ProjectFromAPI, "createdAt"> & { createdAt: Date };
export type NewProject = { name: string; description?: string };

export const projectKeys = {
  all: ["projects"] as const,
  list: () => [...projectKeys.all, "list"] as const,
  one: (id: string) => [...projectKeys.all, "one", id] as const,
};

export function toProject(from: ProjectFromAPI): Project {
  return { ...from, createdAt: new Date(from.createdAt) };
}

export const projectsQuery = () =>
  infiniteQueryOptions({
    queryKey: projectKeys.list(),
    queryFn: async ({ pageParam, signal }) => {
      const query = { nextToken: pageParam };
      const page = await getJson<Page<ProjectFromAPI>>("/api/projects", { query, signal });
      return { ...page, items: page.items.map(toProject) };
    },
    ...pageParams,
  });

export const projectQuery = (id: string) =>
  queryOptions({
    queryKey: projectKeys.one(id),
    queryFn: async ({ signal }) => toProject(await getJson<ProjectFromAPI>(path(id), { signal })),
  });

export async function createProject(project: NewProject): Promise<Project> {
  return toProject(await postJson<ProjectFromAPI>("/api/projects", project));
}

export async function changeProject(id: string, patch: Partial<NewProject>): Promise<Project> {
  return toProject(await patchJson<ProjectFromAPI>(path(id), patch));
}

export function deleteProject(id: string): Promise<void> {
  return remove(path(id));
}

const path = (id: string) => `/api/projects/${encodeURIComponent(id)}`;
