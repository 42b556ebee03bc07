import { queryOptions } from "@tanstack/react-query";

import { getJson, postJson } from "@/api/client";
import { fetchAllPages, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type ImportFromAPI = Schemas["Import"];
export type ImportStatus = ImportFromAPI["status"];
export type CreatedImport = Schemas["ImportCreated"];
export type RejectedRow = Schemas["RejectedRow"];
export type UnassignedFile = Schemas["UnassignedFile"];
export type ImportParameters = Record<string, unknown>;
export type Import = Omit<ImportFromAPI, "createdAt"> & { createdAt: number };

/** Rows that one download lists; the browser holds them in memory. */
const MAX_REJECTED = 100_000;
const REJECTED_PAGE = 10_000;

export const importKeys = {
  all: ["imports"] as const,
  list: (projectId: string) => [...importKeys.all, "list", projectId] as const,
  unassigned: () => [...importKeys.all, "unassigned"] as const,
};

const ENDED: readonly ImportStatus[] = ["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED", "REFUSED"];

/** True while the server works on it, or will without a further request. */
export const isMoving = ({ status }: { status: ImportStatus }): boolean =>
  status !== "AWAITING_UPLOAD" && !ENDED.includes(status);

export function toImport(from: ImportFromAPI): Import {
  return { ...from, createdAt: Date.parse(from.createdAt) };
}

/** Polled: other programs put files into the bucket at any time. */
export const importsQuery = (projectId: string) =>
  queryOptions({
    queryKey: importKeys.list(projectId),
    queryFn: async ({ signal }) => {
      const query = { limit: 200 };
      const page = await getJson<Page<ImportFromAPI>>(ofProject(projectId), { query, signal });
      return page.items.map(toImport);
    },
    refetchInterval: ({ state: { data } }) => (data?.some(isMoving) ? 2_000 : 15_000),
  });

/** Files for no known project. */
export const unassignedFilesQuery = () =>
  queryOptions({
    queryKey: importKeys.unassigned(),
    queryFn: async ({ signal }) => {
      const page = await getJson<Page<UnassignedFile>>("/api/imports", { query: { limit: 200 }, signal });
      return page.items;
    },
    staleTime: 30_000,
  });

/** Create an import; its file is then sent to `upload`. */
export function createImport(
  projectId: string,
  body: { name: string; size: number; parameters: ImportParameters },
): Promise<CreatedImport> {
  return postJson(ofProject(projectId), body);
}

/** Start the import of an uploaded file. A repeated start returns the same run. */
export function startImport(importId: string, signal?: AbortSignal): Promise<{ runId: string }> {
  return postJson(`${path(importId)}/start`, undefined, { signal });
}

export function rejectedRowsOf(importId: string): Promise<RejectedRow[]> {
  return fetchAllPages(
    (nextToken) =>
      getJson<Page<RejectedRow>>(`${path(importId)}/rejected`, {
        query: { nextToken, limit: REJECTED_PAGE },
      }),
    MAX_REJECTED,
  );
}

const path = (importId: string) => `/api/imports/${encodeURIComponent(importId)}`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/imports`;
