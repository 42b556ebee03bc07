import { queryOptions } from "@tanstack/react-query";

import { getIfChanged, getJson, postJson } from "@/api/client";
import { fetchAllPages, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type RunFromAPI = Schemas["Run"];
export type RunItemFromAPI = Schemas["RunItem"];
export type LogLineFromAPI = Schemas["RunLogLine"];
export type RunAnswer = RunFromAPI & { items?: RunItemFromAPI[] };

export type RunStatus = Schemas["RunStatus"];
export type ItemStatus = Schemas["RunItemStatus"];
export type BacklogRunType = "ANALYZE_CARDS" | "GENERATE_EPICS" | "GENERATE_STORIES" | "GENERATE_SUBTASKS";
export type RunOptions = Required<Pick<Schemas["RunOptions"], "mode" | "existingBehavior" | "pacing">> & {
  maxCostUsd: number | null;
};
export type RunRequest = {
  type: BacklogRunType;
  options: RunOptions;
  epicId: string | null;
  itemIds: string[] | null;
};
export type Estimate = Schemas["RunEstimate"];

/** Times are milliseconds since 1970, or null. */
type Times<T, K extends keyof T> = Omit<T, K> & { [key in K]: number | null };
export type Run = Omit<
  Times<RunFromAPI, "startedAt" | "heartbeatAt" | "completedAt" | "nextRetryAt">,
  "createdAt"
> & {
  createdAt: number;
  /** Arrival time of the answer; elapsed time counts from here. */
  receivedAt: number;
};
export type RunItem = Times<RunItemFromAPI, "startedAt" | "completedAt"> & { index: number };
export type LogLine = Omit<LogLineFromAPI, "at"> & { at: number };

export const runKeys = {
  all: ["runs"] as const,
  ofProject: (projectId: string) => [...runKeys.all, "project", projectId] as const,
  list: (projectId: string) => [...runKeys.ofProject(projectId), "list"] as const,
  active: (projectId: string) => [...runKeys.ofProject(projectId), "active"] as const,
  view: (runId: string) => [...runKeys.all, "view", runId] as const,
  log: (runId: string) => [...runKeys.all, "log", runId] as const,
  estimate: (projectId: string, request: RunRequest) =>
    [...runKeys.all, "estimate", projectId, request] as const,
};

const ACTIVE: readonly RunStatus[] = ["QUEUED", "RUNNING"];

export const isActive = (run: { status: RunStatus }): boolean => ACTIVE.includes(run.status);

export function toRun(from: RunFromAPI, receivedAt = Date.now()): Run {
  return {
    ...from,
    createdAt: Date.parse(from.createdAt),
    startedAt: time(from.startedAt),
    heartbeatAt: time(from.heartbeatAt),
    completedAt: time(from.completedAt),
    nextRetryAt: time(from.nextRetryAt),
    receivedAt,
  };
}

export function toItem(from: RunItemFromAPI): RunItem {
  const index = Number(from.id.slice(from.id.lastIndexOf("-") + 1));
  return { ...from, index, startedAt: time(from.startedAt), completedAt: time(from.completedAt) };
}

function toLogLine(from: LogLineFromAPI): LogLine {
  return { ...from, at: Date.parse(from.at) };
}

/** The progress with all items. */
export async function getRunWithItems(runId: string, signal?: AbortSignal) {
  return getIfChanged<RunAnswer>(`${path(runId)}/progress`, null, { query: { items: true }, signal });
}

/** Progress with items changed after `since`; `data` is null if nothing changed. */
export async function getRunSince(runId: string, since: number, etag: string | null, signal?: AbortSignal) {
  return getIfChanged<RunAnswer>(`${path(runId)}/progress`, etag, { query: { since }, signal });
}

/** The lines after `after`, oldest first. */
export async function getLogAfter(runId: string, after: number, signal?: AbortSignal): Promise<LogLine[]> {
  const lines = await fetchAllPages((nextToken) =>
    getJson<Page<LogLineFromAPI>>(`${path(runId)}/logs`, { query: { after, nextToken, limit: 200 }, signal }),
  );
  return lines.map(toLogLine);
}

export const runsQuery = (projectId: string) =>
  queryOptions({
    queryKey: runKeys.list(projectId),
    queryFn: async ({ signal }) => {
      const query = { limit: 200 };
      const page = await getJson<Page<RunFromAPI>>(ofProject(projectId), { query, signal });
      return page.items.map((run) => toRun(run));
    },
  });

/** Polled, to find runs started elsewhere. */
export const activeRunsQuery = (projectId: string) =>
  queryOptions({
    queryKey: runKeys.active(projectId),
    queryFn: async ({ signal }) => {
      const page = await getJson<Page<RunFromAPI>>(ofProject(projectId), { query: { active: true }, signal });
      return page.items.map((run) => toRun(run));
    },
    refetchInterval: ({ state: { data } }) =>
      data?.length ? Math.max(1_000, Math.min(...data.map((run) => run.pollAfterMs))) : 8_000,
  });

export const estimateQuery = (projectId: string, request: RunRequest) =>
  queryOptions({
    queryKey: runKeys.estimate(projectId, request),
    queryFn: ({ signal }) => postJson<Estimate>(`${ofProject(projectId)}/estimate`, request, { signal }),
    staleTime: 30_000,
  });

/** `key` makes the request idempotent. */
export function startRun(projectId: string, request: RunRequest, key: string) {
  const headers = { "idempotency-key": key };
  return postJson<Schemas["StartedRun"]>(ofProject(projectId), request, { headers });
}

export function cancelRun(runId: string): Promise<RunFromAPI> {
  return postJson(`${path(runId)}/cancel`);
}

export function retryRun(runId: string): Promise<Schemas["RetriedRun"]> {
  return postJson(`${path(runId)}/retry`);
}

const path = (runId: string) => `/api/runs/${encodeURIComponent(runId)}`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/runs`;
const time = (text: string | null) => (text === null ? null : Date.parse(text));
