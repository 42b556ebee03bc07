/** Moves of tasks and phases. Positions do not count the moved element. */
import { type Refusal, brokenDependencies } from "./dependencies";
import { type Phase, type PhasePatch, type Plan, type Task, type TaskPatch, taskOf } from "./model";

export interface Place {
  phaseId: string;
  position: number;
}

type Phases = Pick<Plan, "phases">;

export function placeOf(plan: Phases, taskId: string): Place | null {
  for (const phase of plan.phases) {
    const position = phase.tasks.findIndex((task) => task.id === taskId);
    if (position >= 0) return { phaseId: phase.id, position };
  }
  return null;
}

/** Next position up or down, across phases; null at the edge of the plan. */
export function adjacentPlace(plan: Phases, taskId: string, by: -1 | 1): Place | null {
  const place = placeOf(plan, taskId);
  const number = plan.phases.findIndex((phase) => phase.id === place?.phaseId);
  const phase = plan.phases[number];
  if (!place || !phase) return null;
  const position = place.position + by;
  if (position >= 0 && position < phase.tasks.length) return { phaseId: phase.id, position };
  const neighbour = plan.phases[number + by];
  return neighbour ? { phaseId: neighbour.id, position: by > 0 ? 0 : neighbour.tasks.length } : null;
}

export function withTaskAt<P extends Phases>(plan: P, taskId: string, place: Place): P {
  const task = taskOf(plan, taskId);
  if (!task) return plan;
  const phases = plan.phases.map((phase) => {
    const rest = phase.tasks.filter((other) => other.id !== taskId);
    return { ...phase, tasks: phase.id === place.phaseId ? inserted(rest, task, place.position) : rest };
  });
  return { ...plan, phases };
}

export function withPhaseAt<P extends Phases>(plan: P, phaseId: string, position: number): P {
  const phase = plan.phases.find((one) => one.id === phaseId);
  if (!phase) return plan;
  const rest = plan.phases.filter((one) => one.id !== phaseId);
  return { ...plan, phases: inserted(rest, phase, position) };
}

/** Patch to move a task, or null if nothing changes. */
export function taskMove(plan: Phases, taskId: string, place: Place): TaskPatch | null {
  const now = placeOf(plan, taskId);
  if (!now || (now.phaseId === place.phaseId && now.position === place.position)) return null;
  return now.phaseId === place.phaseId ? { position: place.position } : { ...place };
}

/** Patch to move a phase, or null at the edge. */
export function phaseMove(plan: Phases, phaseId: string, position: number): PhasePatch | null {
  const now = plan.phases.findIndex((phase) => phase.id === phaseId);
  return now < 0 || position === now || position < 0 || position >= plan.phases.length ? null : { position };
}

/** First dependency broken by a move. */
export function brokenByMove(before: Phases, after: Phases): Refusal | null {
  const known = new Set(brokenDependencies(before).map((fault) => fault.message));
  return brokenDependencies(after).find((fault) => !known.has(fault.message)) ?? null;
}

/** Screen reader text after a move. */
export function describePlace(plan: Phases, taskId: string): string {
  const place = placeOf(plan, taskId);
  const number = plan.phases.findIndex((phase) => phase.id === place?.phaseId);
  const phase: Phase | undefined = plan.phases[number];
  const task: Task | undefined = taskOf(plan, taskId);
  if (!place || !phase || !task) return "";
  return `${task.title}: phase ${phase.title}, position ${place.position + 1} of ${phase.tasks.length}`;
}

function inserted<T>(rest: readonly T[], one: T, position: number): T[] {
  return [...rest.slice(0, position), one, ...rest.slice(position)];
}
