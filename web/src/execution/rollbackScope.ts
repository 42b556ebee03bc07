/** Scope of a rollback: the selected tasks and all their dependents. */
import type { Plan, Progress } from "@/plans/model";
import { tasksOf } from "@/plans/model";

import { hasChange } from "./actions";

type RollbackScope = { targets: string[]; dependents: string[] };

/** Noun for a task's change, singular and plural. */
export function changeNoun(plan: Pick<Plan, "autoCommit">): [one: string, many: string] {
  return plan.autoCommit ? ["commit", "commits"] : ["patch", "patches"];
}

/** Scope for a task, a phase or the whole plan; only tasks with a change. */
export function rollbackScope(
  plan: Pick<Plan, "phases">,
  progress: Pick<Progress, "tasks">,
  what: { taskId?: string; phaseId?: string },
): RollbackScope {
  const there = new Set(progress.tasks.filter(hasChange).map(({ id }) => id));
  const asked = tasksOf(plan).filter((task) => isInScope(plan, task.id, what));
  const targets = asked.map(({ id }) => id).filter((id) => there.has(id));
  const dependents = transitiveDependents(plan, targets).filter((id) => there.has(id));
  return { targets, dependents };
}

function isInScope(
  plan: Pick<Plan, "phases">,
  id: string,
  what: { taskId?: string; phaseId?: string },
): boolean {
  if (what.taskId !== undefined) return what.taskId === id;
  if (what.phaseId === undefined) return true;
  return plan.phases.some((phase) => phase.id === what.phaseId && phase.tasks.some((task) => task.id === id));
}

/** Direct and indirect dependents, without the given tasks. */
export function transitiveDependents(plan: Pick<Plan, "phases">, ids: readonly string[]): string[] {
  const found = new Set(ids);
  for (let grown = true; grown;) {
    grown = false;
    for (const task of tasksOf(plan)) {
      if (!found.has(task.id) && task.dependsOn.some((id) => found.has(id))) {
        found.add(task.id);
        grown = true;
      }
    }
  }
  return tasksOf(plan)
    .map(({ id }) => id)
    .filter((id) => found.has(id) && !ids.includes(id));
}
