/** Checks: baselines of repositories, and the commands run for a task. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, postJson } from "@/api/client";
import { ApiError } from "@/api/errors";
import { pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Checks = Schemas["Checks"];
export type SuggestedCommands = Schemas["SuggestedCommands"];
export type Baseline = Schemas["Baseline"];
export type BaselineStatus = Schemas["BaselineStatus"];
export type CommandResult = Schemas["CommandResult"];
export type TaskCheck = Schemas["TaskCheck"];
export type CheckStatus = TaskCheck["status"];
export type Verified = Schemas["Verified"];

const LIVE_MS = 2_000;
/** A command's log has up to 16,000 characters. */
const COMMANDS_PER_PAGE = 20;

export const baselineKey = (repositoryId: string): readonly unknown[] => ["baselines", repositoryId];

export function isInProgress(baseline: Pick<Baseline, "status"> | null | undefined): boolean {
  return baseline?.status === "queued" || baseline?.status === "running";
}

/** Last baseline; null before the first one. */
export function baselineQuery(repositoryId: string) {
  return queryOptions({
    queryKey: baselineKey(repositoryId),
    queryFn: ({ signal }) => getBaseline(repositoryId, signal),
    refetchInterval: ({ state }) => (isInProgress(state.data) ? LIVE_MS : false),
  });
}

async function getBaseline(repositoryId: string, signal: AbortSignal): Promise<Baseline | null> {
  try {
    return await getJson<Baseline>(`/api/repositories/${repositoryId}/baseline`, { signal });
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

export function startBaseline(repositoryId: string): Promise<Baseline> {
  return postJson(`/api/repositories/${repositoryId}/baseline`);
}

/** Commands of a task's checks, the latest check first. */
export function taskChecksQuery(taskId: string, isLive: boolean) {
  return infiniteQueryOptions({
    queryKey: ["plan-tasks", taskId, "checks"],
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<TaskCheck>>(`/api/plan-tasks/${taskId}/checks`, {
        query: { limit: COMMANDS_PER_PAGE, nextToken: pageParam },
        signal,
      }),
    ...pageParams,
    refetchInterval: isLive ? LIVE_MS : false,
  });
}
