/** Running plans: progress, logs and commands. */

import { queryOptions } from "@tanstack/react-query";

import { getJson, postJson, removeJson } from "@/api/client";
import type { Page } from "@/api/pages";
import type { components } from "@/api/schema";
import type { LogLine, Progress } from "@/plans/model";

import { planKeys } from "./plans";

type Schemas = components["schemas"];
export type PlanControlled = Schemas["PlanState"];
export type TaskControlled = Schemas["TaskState"];
export type TaskPatchShown = Schemas["TaskDiff"];
export type NewTiming = Schemas["ScheduleRequest"];
export type RollBack = Schemas["RollbackRequest"];
export type Complete = Schemas["CompleteRequest"];

const BUSY_MS = 2_000;
/** A scheduled plan may start at any moment. */
const SCHEDULED_MS = 10_000;
const LOG_MS = 2_000;

export const progressKey = (planId: string): readonly unknown[] => [...planKeys.one(planId), "progress"];
export const logKey = (taskId: string): readonly unknown[] => ["plan-tasks", taskId, "log"];

export function progressQuery(planId: string) {
  return queryOptions({
    queryKey: progressKey(planId),
    queryFn: ({ signal }) => getJson<Progress>(`/api/plans/${planId}/progress`, { signal }),
    refetchInterval: ({ state }) => pollAfter(state.data),
  });
}

/** Polling interval. The API gives none for idle plans, but a rollback or a schedule may change them. */
export function pollAfter(progress: Progress | undefined): number | false {
  if (!progress) return false;
  if (progress.pollAfterMs !== null) return progress.pollAfterMs;
  if (progress.rollback?.status === "RUNNING" || progress.status === "GENERATING") return BUSY_MS;
  if (progress.rollback?.heads.some((head) => head.verified === null)) return SCHEDULED_MS;
  return progress.schedule ? SCHEDULED_MS : false;
}

/** Log of a task. `resumeAt` is the token of its last page; null for the first page. */
export type TaskLog = { lines: LogLine[]; before: LogLine[]; resumeAt: string | null };

/** The whole log; refetches only the last page. */
export function logQuery(taskId: string, isLive: boolean) {
  return queryOptions({
    queryKey: logKey(taskId),
    queryFn: ({ signal, client }) =>
      readNewLines(taskId, client.getQueryData<TaskLog>(logKey(taskId)), signal),
    refetchInterval: isLive ? LOG_MS : false,
  });
}

async function readNewLines(
  taskId: string,
  known: TaskLog | undefined,
  signal: AbortSignal,
): Promise<TaskLog> {
  let [before, resumeAt] = [known?.before ?? [], known?.resumeAt ?? null];
  for (;;) {
    const query = { limit: 100, nextToken: resumeAt };
    const page = await getJson<Page<LogLine>>(`/api/plan-tasks/${taskId}/log`, { query, signal });
    if (page.nextToken === null) return { lines: [...before, ...page.items], before, resumeAt };
    before = [...before, ...page.items];
    resumeAt = page.nextToken;
  }
}

/** Patch of a task, for plans without commits. */
export function patchQuery(taskId: string) {
  return queryOptions({
    queryKey: ["plan-tasks", taskId, "patch"],
    queryFn: ({ signal }) => getJson<TaskPatchShown>(`/api/plan-tasks/${taskId}/patch`, { signal }),
  });
}

export function executePlan(id: string, again: boolean): Promise<PlanControlled> {
  return postJson(`/api/plans/${id}/execute`, { again });
}

export function pausePlan(id: string, reason: string | null): Promise<PlanControlled> {
  return postJson(`/api/plans/${id}/pause`, { reason });
}

export function resumePlan(id: string): Promise<PlanControlled> {
  return postJson(`/api/plans/${id}/resume`);
}

export function cancelPlan(id: string): Promise<PlanControlled> {
  return postJson(`/api/plans/${id}/cancel`);
}

export function rollBackPlan(id: string, what: RollBack): Promise<PlanControlled> {
  return postJson(`/api/plans/${id}/rollback`, what);
}

export function schedulePlan(id: string, timing: NewTiming): Promise<PlanControlled> {
  return postJson(`/api/plans/${id}/schedule`, timing);
}

export function unschedulePlan(id: string): Promise<PlanControlled> {
  return removeJson(`/api/plans/${id}/schedule`);
}

export function approveTask(id: string): Promise<TaskControlled> {
  return postJson(`/api/plan-tasks/${id}/approve`);
}

export function rejectTask(id: string, reason: string | null): Promise<TaskControlled> {
  return postJson(`/api/plan-tasks/${id}/reject`, { reason });
}

export function retryTask(id: string): Promise<TaskControlled> {
  return postJson(`/api/plan-tasks/${id}/retry`);
}

export function skipTask(id: string, dependents: "skip" | "run"): Promise<TaskControlled> {
  return postJson(`/api/plan-tasks/${id}/skip`, { dependents });
}

export function completeTask(id: string, done: Complete): Promise<TaskControlled> {
  return postJson(`/api/plan-tasks/${id}/complete`, done);
}
