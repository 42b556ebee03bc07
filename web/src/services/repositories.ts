import { queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postJson, remove } from "@/api/client";
import { fetchAllPages, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

export type Repository = components["schemas"]["Repository"];
/** The branch is optional. */
export type NewRepository = Pick<components["schemas"]["NewRepository"], "name" | "url"> &
  Partial<components["schemas"]["NewRepository"]>;
export type RepositoryPatch = components["schemas"]["RepositoryPatch"];

/** Limit for selection lists. */
const MAX_REPOSITORIES = 1_000;

export const repositoryKeys = { all: ["repositories"] as const };

/** All repositories, newest first. */
export function repositoriesQuery() {
  return queryOptions({
    queryKey: repositoryKeys.all,
    queryFn: ({ signal }) =>
      fetchAllPages(
        (nextToken) =>
          getJson<Page<Repository>>("/api/repositories", { query: { limit: 200, nextToken }, signal }),
        MAX_REPOSITORIES,
      ),
  });
}

export function createRepository(body: NewRepository): Promise<Repository> {
  return postJson("/api/repositories", body);
}

export function changeRepository(id: string, body: RepositoryPatch): Promise<Repository> {
  return patchJson(`/api/repositories/${id}`, body);
}

export function deleteRepository(id: string): Promise<void> {
  return remove(`/api/repositories/${id}`);
}
