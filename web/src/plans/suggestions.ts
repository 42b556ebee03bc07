/** Selection of suggestions and their descriptions. */
import { type Iteration, type Plan, type Suggestion, taskOf } from "./model";

export type Selection = ReadonlySet<number>;

/** Reason against selecting a suggestion, or null. */
export function blockedReason(
  suggestions: readonly Suggestion[],
  chosen: Selection,
  index: number,
): string | null {
  const one = suggestions.find((other) => other.index === index);
  if (!one) return "No longer available.";
  if (one.stale) return "Its target has changed since.";
  if (chosen.has(index)) return null;
  const against = (one.conflictsWith ?? []).filter((other) => chosen.has(other)).map((other) => other + 1);
  return against.length > 0 ? `Conflicts with number ${against.join(", ")}.` : null;
}

export function toggled(suggestions: readonly Suggestion[], chosen: Selection, index: number): Selection {
  const next = new Set(chosen);
  if (!next.delete(index) && blockedReason(suggestions, chosen, index) === null) next.add(index);
  return next;
}

/** Largest compatible selection in list order. */
export function compatibleSelection(suggestions: readonly Suggestion[]): Selection {
  return suggestions.reduce<Selection>(
    (chosen, one) => (chosen.has(one.index) ? chosen : toggled(suggestions, chosen, one.index)),
    new Set(),
  );
}

/** Selection without stale suggestions. */
export function withoutStale(suggestions: readonly Suggestion[], chosen: Selection): Selection {
  return new Set(suggestions.filter((one) => chosen.has(one.index) && !one.stale).map((one) => one.index));
}

/** Applied suggestions of a review, from the history. */
export function appliedIndices(iterations: readonly Iteration[], reviewId: string): ReadonlySet<number> {
  const taken = iterations.filter(({ sourceIterationId }) => sourceIterationId === reviewId);
  return new Set(taken.flatMap(({ suggestionIndices }) => suggestionIndices));
}

type Operation = Suggestion["operation"];

/** One-line description of a suggestion. */
export function describeOperation(plan: Pick<Plan, "phases">, operation: Operation): string {
  const task = "taskId" in operation ? (taskOf(plan, operation.taskId)?.title ?? operation.taskId) : "";
  const phaseId = "phaseId" in operation ? operation.phaseId : "";
  const phase = plan.phases.find((one) => one.id === phaseId)?.title ?? phaseId;
  switch (operation.type) {
    case "add":
      return `Add “${operation.task.title}” to ${phase}`;
    case "add_phase":
      return `Add phase “${operation.phase.title}”`;
    case "update":
      return `Update “${task}”`;
    case "update_phase":
      return `Update phase “${phase}”`;
    case "update_plan":
      return "Update the plan details";
    case "remove":
      return `Remove “${task}”`;
    case "remove_phase":
      return `Remove phase “${phase}”`;
    case "split":
      return `Split “${task}” into ${operation.parts.length}`;
    case "move":
      return `Move “${task}” to ${phase}`;
    case "move_phase":
      return `Move phase “${phase}”`;
    case "reorder":
      return `Reorder the tasks of ${phase}`;
    case "dependencies":
      return `Change the dependencies of “${task}”`;
  }
}
