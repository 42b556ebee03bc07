/** Dependency rules of the API, checked before a request. */
import { type Phase, type Plan, type Task, tasksOf } from "./model";

export type RefusalCode =
  | "SELF_DEPENDENCY"
  | "DUPLICATE_DEPENDENCY"
  | "CYCLE"
  | "LATER_PHASE"
  | "LATER_IN_PHASE"
  | "UNKNOWN_DEPENDENCY";

/** Reason for a rejected dependency. `path` has the keys of a cycle, in execution order. */
export interface Refusal {
  code: RefusalCode;
  message: string;
  path?: string[];
}

type Phases = Pick<Plan, "phases">;

interface Place {
  phase: number;
  position: number;
  ordered: boolean;
}

/** Reason against a dependency, or null. */
export function refusalOf(plan: Phases, taskId: string, otherId: string): Refusal | null {
  const places = placesOf(plan);
  const [task, other] = [places.get(taskId), places.get(otherId)];
  if (!task || !other) {
    return { code: "UNKNOWN_DEPENDENCY", message: "That task is no longer in the plan." };
  }
  const named = taskById(plan);
  const [name, otherName] = [titleOf(named, taskId), titleOf(named, otherId)];
  if (taskId === otherId) {
    return { code: "SELF_DEPENDENCY", message: `${name} cannot depend on itself.` };
  }
  if (named.get(taskId)?.dependsOn.includes(otherId)) {
    return { code: "DUPLICATE_DEPENDENCY", message: `${name} already depends on ${otherName}.` };
  }
  const path = cycleOf(plan, taskId, otherId);
  if (path) {
    return { code: "CYCLE", message: `These tasks would form a cycle: ${path.join(" → ")}`, path };
  }
  return orderRefusal(task, other, name, otherName);
}

function orderRefusal(task: Place, other: Place, name: string, otherName: string): Refusal | null {
  if (other.phase > task.phase) {
    return { code: "LATER_PHASE", message: `${otherName} is in a later phase than ${name}.` };
  }
  if (other.phase === task.phase && task.ordered && other.position > task.position) {
    return { code: "LATER_IN_PHASE", message: `${otherName} comes after ${name} in its phase.` };
  }
  return null;
}

/** Cycle caused by the dependency, as keys in execution order, or null. */
export function cycleOf(plan: Phases, taskId: string, otherId: string): string[] | null {
  const named = taskById(plan);
  const way = wayUp(named, otherId, taskId);
  if (!way) return null;
  // `way` follows dependencies; execution order is the reverse
  const ids = [...way].reverse();
  return [...ids, taskId].map((id) => named.get(id)?.key ?? id);
}

/** Dependency path between two tasks, inclusive, or null. */
function wayUp(named: ReadonlyMap<string, Task>, from: string, to: string): string[] | null {
  const cameFrom = new Map<string, string | null>([[from, null]]);
  const queue = [from];
  for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
    if (id === to) return trail(cameFrom, to);
    for (const next of named.get(id)?.dependsOn ?? []) {
      if (!cameFrom.has(next)) {
        cameFrom.set(next, id);
        queue.push(next);
      }
    }
  }
  return null;
}

function trail(cameFrom: ReadonlyMap<string, string | null>, to: string): string[] {
  const found: string[] = [];
  for (let id: string | null | undefined = to; id != null; id = cameFrom.get(id)) found.push(id);
  return found.reverse();
}

/** Dependencies on later tasks. Moving a task cannot create a cycle. */
export function brokenDependencies(plan: Phases): Refusal[] {
  const places = placesOf(plan);
  const named = taskById(plan);
  return tasksOf(plan).flatMap((task) =>
    task.dependsOn.flatMap((otherId) => {
      const [mine, its] = [places.get(task.id), places.get(otherId)];
      const refusal =
        mine && its && orderRefusal(mine, its, titleOf(named, task.id), titleOf(named, otherId));
      return refusal ? [refusal] : [];
    }),
  );
}

/** Direct dependents of a task. */
export function dependentsOf(plan: Phases, taskId: string): Task[] {
  return tasksOf(plan).filter((task) => task.dependsOn.includes(taskId));
}

function placesOf(plan: Phases): Map<string, Place> {
  const places = new Map<string, Place>();
  plan.phases.forEach((phase: Phase, number) => {
    phase.tasks.forEach((task, position) => {
      places.set(task.id, { phase: number, position, ordered: phase.mode !== "parallel" });
    });
  });
  return places;
}

function taskById(plan: Phases): Map<string, Task> {
  return new Map(tasksOf(plan).map((task) => [task.id, task]));
}

function titleOf(named: ReadonlyMap<string, Task>, id: string): string {
  return `“${named.get(id)?.title ?? id}”`;
}
