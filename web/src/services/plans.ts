/** Plans: content, versions, reviews and edits. See `executions` for running them. */

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postJson, remove } from "@/api/client";
import { pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";
import type {
  Comparison,
  Iteration,
  PhasePatch,
  Plan,
  PlanEstimate,
  PlanInBrief,
  PlanPatch,
  TaskPatch,
} from "@/plans/model";

type Schemas = components["schemas"];
/** Makes fields with a server default optional; the generated types require them. */
type WithDefaults<T, K extends keyof T> = Pick<T, K> & Partial<T>;
export type NewPlan = WithDefaults<Schemas["NewPlan"], "repositoryId">;
export type NewPhase = WithDefaults<Schemas["NewPhase"], "planId" | "title">;
export type NewTask = WithDefaults<Schemas["NewTask"], "phaseId" | "title">;
export type GenerateRequest = WithDefaults<Schemas["GenerateRequest"], "repositoryId" | "title">;
export type ReviewRequest = WithDefaults<Schemas["ReviewRequest"], "reviewType">;
export type StartedRun = Schemas["StartedIteration"];
export type PhaseOfPlan = Schemas["PhaseDetails"];
export type TaskOfPlan = Schemas["TaskDetails"];
export type Dependents = "refuse" | "repair";

/** Polling interval while Claude generates or reviews a plan. */
const GENERATING_MS = 1_500;

export const planKeys = {
  all: ["plans"] as const,
  lists: () => [...planKeys.all, "list"] as const,
  one: (id: string) => [...planKeys.all, id] as const,
  current: (id: string) => [...planKeys.one(id), "now"] as const,
};

export function plansQuery(repositoryId: string | null) {
  return infiniteQueryOptions({
    queryKey: [...planKeys.lists(), repositoryId],
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<PlanInBrief>>("/api/plans", { query: { repositoryId, nextToken: pageParam }, signal }),
    ...pageParams,
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isInProgress)) ? GENERATING_MS * 2 : false,
  });
}

function isInProgress({ status }: PlanInBrief): boolean {
  return status === "GENERATING" || status === "RUNNING" || status === "PAUSING";
}

/** Current version of a plan. */
export function planQuery(id: string) {
  return queryOptions({
    queryKey: planKeys.current(id),
    queryFn: ({ signal }) => getJson<Plan>(`/api/plans/${id}`, { signal }),
    refetchInterval: ({ state }) => (state.data?.status === "GENERATING" ? GENERATING_MS : false),
  });
}

/** Newest first. */
export function iterationsQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: [...planKeys.one(id), "iterations"],
    queryFn: ({ pageParam, signal }) =>
      getJson<Page<Iteration>>(`/api/plans/${id}/iterations`, { query: { nextToken: pageParam }, signal }),
    ...pageParams,
    refetchInterval: ({ state }) =>
      state.data?.pages[0]?.items.some((one) => one.status === "PENDING") ? GENERATING_MS : false,
  });
}

/** Iteration with its changes; a review also has the state of its suggestions. */
export function iterationQuery(id: string, iterationId: string) {
  return queryOptions({
    queryKey: [...planKeys.one(id), "iterations", iterationId],
    queryFn: ({ signal }) => getJson<Iteration>(`/api/plans/${id}/iterations/${iterationId}`, { signal }),
    refetchInterval: ({ state }) => (state.data?.status === "PENDING" ? GENERATING_MS : false),
  });
}

export function comparisonQuery(id: string, from: number, to: number) {
  return queryOptions({
    queryKey: [...planKeys.one(id), "compare", from, to],
    queryFn: ({ signal }) => getJson<Comparison>(`/api/plans/${id}/compare`, { query: { from, to }, signal }),
    staleTime: Infinity,
  });
}

/** Estimated time and cost of running this version. */
export function estimateQuery(id: string, version: number) {
  return queryOptions({
    queryKey: [...planKeys.one(id), "estimate", version],
    queryFn: ({ signal }) => postJson<PlanEstimate>(`/api/plans/${id}/estimate`, undefined, { signal }),
  });
}

export function createPlan(body: NewPlan): Promise<Plan> {
  return postJson("/api/plans", body);
}

export function generatePlan(body: GenerateRequest): Promise<StartedRun> {
  return postJson("/api/plans/generate", body);
}

export function deletePlan(id: string): Promise<void> {
  return remove(`/api/plans/${id}`);
}

export function changePlan(id: string, body: PlanPatch, version: number): Promise<Plan> {
  return patchJson(`/api/plans/${id}`, body, { ifMatch: etagOf(version) });
}

export function restoreVersion(id: string, earlier: number, version: number): Promise<Plan> {
  return postJson(`/api/plans/${id}/restore`, { version: earlier }, { ifMatch: etagOf(version) });
}

export function reviewPlan(id: string, body: ReviewRequest): Promise<StartedRun> {
  return postJson(`/api/plans/${id}/review`, body);
}

/** Applies all or none. No If-Match: the server checks each suggestion for staleness. */
export function applySuggestions(id: string, iterationId: string, chosen: Iterable<number>): Promise<Plan> {
  const suggestionIndices = [...chosen].sort((one, other) => one - other);
  return postJson(`/api/plans/${id}/apply-suggestions`, { iterationId, suggestionIndices });
}

export function addPhase(body: NewPhase, version: number): Promise<PhaseOfPlan> {
  return postJson("/api/phases", body, { ifMatch: etagOf(version) });
}

export function changePhase(id: string, body: PhasePatch, version: number): Promise<PhaseOfPlan> {
  return patchJson(`/api/phases/${id}`, body, { ifMatch: etagOf(version) });
}

export function deletePhase(id: string, dependents: Dependents, version: number): Promise<void> {
  return remove(`/api/phases/${id}`, { query: { dependents }, ifMatch: etagOf(version) });
}

export function addTask(body: NewTask, version: number): Promise<TaskOfPlan> {
  return postJson("/api/plan-tasks", body, { ifMatch: etagOf(version) });
}

export function changeTask(id: string, body: TaskPatch, version: number): Promise<TaskOfPlan> {
  return patchJson(`/api/plan-tasks/${id}`, body, { ifMatch: etagOf(version) });
}

export function deleteTask(id: string, dependents: Dependents, version: number): Promise<void> {
  return remove(`/api/plan-tasks/${id}`, { query: { dependents }, ifMatch: etagOf(version) });
}

function etagOf(version: number): string {
  return `"${version}"`;
}

/** Run for generating or reviewing a plan. */
export type GenerationRun = Schemas["Run"];

export function generationRunQuery(runId: string | null) {
  return queryOptions({
    queryKey: ["plans", "writing", runId],
    queryFn: ({ signal }) => getJson<GenerationRun>(`/api/runs/${runId ?? ""}/progress`, { signal }),
    enabled: runId !== null,
    refetchInterval: ({ state }) => state.data?.pollAfterMs ?? false,
  });
}

export function cancelGeneration(runId: string): Promise<unknown> {
  return postJson(`/api/runs/${runId}/cancel`);
}
