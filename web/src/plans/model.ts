/** Plan types of the API under the dashboard's names. */
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type Plan = Schemas["Plan"];
export type PlanInBrief = Schemas["PlanSummary"];
export type PlanStatus = Schemas["PlanStatus"];
export type Phase = Schemas["Phase"];
export type PhaseMode = Phase["mode"];
export type Task = Schemas["Task"];
export type TaskStatus = Schemas["TaskStatus"];
export type TaskPatch = Schemas["TaskPatch"];
export type PhasePatch = Schemas["PhasePatch"];
export type PlanPatch = Schemas["PlanPatch"];
export type Condition = Schemas["Condition"];
export type ModelEffort = Schemas["ModelEffort"];
export type Effort = Task["effort"];
export type Progress = Schemas["PlanProgress"];
export type TaskProgress = Schemas["TaskProgress"];
export type PhaseProgress = Schemas["PhaseProgress"];
export type PlanEvent = Schemas["PlanEvent"];
export type LogLine = Schemas["TaskLogLine"];
export type Iteration = Schemas["Iteration"];
export type Suggestion = Schemas["Suggestion"];
export type ReviewType = Schemas["ReviewRequest"]["reviewType"];
export type Comparison = Schemas["PlanComparison"];
export type Change = Schemas["PlanChange"];
export type Template = Schemas["Template"];
export type TemplateInBrief = Schemas["TemplateSummary"];
export type PlanEstimate = Schemas["PlanEstimate"];
export type Repository = Schemas["Repository"];

export const EFFORTS = ["XS", "S", "M", "L", "XL"] as const satisfies readonly Effort[];
export const MODEL_EFFORTS = [
  "low",
  "medium",
  "high",
  "xhigh",
  "max",
] as const satisfies readonly ModelEffort[];
export const MODES = ["sequential", "parallel", "manual"] as const satisfies readonly PhaseMode[];

export function tasksOf(plan: Pick<Plan, "phases">): Task[] {
  return plan.phases.flatMap((phase) => phase.tasks);
}

export function taskOf(plan: Pick<Plan, "phases">, id: string): Task | undefined {
  return tasksOf(plan).find((task) => task.id === id);
}

export function phaseOf(plan: Pick<Plan, "phases">, taskId: string): Phase | undefined {
  return plan.phases.find((phase) => phase.tasks.some((task) => task.id === taskId));
}

/** True while a run is active, including pauses. */
export function isExecuting(status: PlanStatus): boolean {
  return status === "RUNNING" || status === "PAUSING" || status === "PAUSED";
}

/** True before the first run: everything is editable. */
export function isFreelyEditable(status: PlanStatus): boolean {
  return status === "DRAFT" || status === "READY";
}

const BEGUN: readonly TaskStatus[] = ["RUNNING", "COMPLETED", "SKIPPED", "CANCELLED"];

/** True if a task is editable; during a run only before it starts. */
export function isTaskEditable(plan: Pick<Plan, "status">, task: Pick<Task, "status">): boolean {
  return isFreelyEditable(plan.status) || (isExecuting(plan.status) && !BEGUN.includes(task.status));
}
