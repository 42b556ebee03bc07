/** What may depend on what, as the API will judge it: so that the page can refuse before anything is asked. */
import { type Phase, type Plan, type Task, tasksOf } from "./model";

export type RefusalCode =
  | "SELF_DEPENDENCY"
  | "DUPLICATE_DEPENDENCY"
  | "CYCLE"
  | "LATER_PHASE"
  | "LATER_IN_PHASE"
  | "UNKNOWN_DEPENDENCY";

/** Why a dependency cannot be. `path` are the keys of a cycle, each task needed by the next, from a task back to it. */
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

/** Why the task cannot depend on the other one; null where it can. */
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

/** The cycle there would be if the task depended on the other, as keys in the direction of the work; null for none. */
export function cycleOf(plan: Phases, taskId: string, otherId: string): string[] | null {
  const named = taskById(plan);
  const way = wayUp(named, otherId, taskId);
  if (!way) return null;
  // `way` leads from the other back to the task along what each waits for: the work goes the other way round
  const ids = [...way].reverse();
  return [...ids, taskId].map((id) => named.get(id)?.key ?? id);
}

/** From one task to another along dependencies, both included; null where there is no way. */
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

/** What breaks in a plan as it would be: dependencies that point forwards. Cycles cannot come from moving a task. */
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

/** The tasks that depend on this one. */
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
