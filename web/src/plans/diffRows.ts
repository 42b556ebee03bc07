/** Fields of a suggestion or change as text, before and after. */
import { codePath } from "@/backlog/tree";

import type { Change, Suggestion } from "./model";

/** Text of an empty value. */
export const EMPTY_VALUE = "–";

/** Null if the field is missing on that side. */
export type DiffRow = { name: string; before: string | null; after: string | null };

type Element = Record<string, unknown>;
type PlanNames = {
  phases: readonly { id: string; title: string; tasks: readonly NamedTask[] }[];
  repositories?: readonly { id: string; name: string }[];
};
type NamedTask = { id: string; key: string; title: string };

/** Fields not shown. */
const HIDDEN = ["id", "taskId", "after", "storyId", "subtaskId", "repositoryId"];

export function rowsOfSuggestion(plan: PlanNames, { before, after }: Suggestion): DiffRow[] {
  const [old, now] = [before, after];
  const rows = rowsOf(plan, without(old), without(now));
  return [...rows, ...taskRows(withNew(plan, tasksIn(now)), tasksIn(old), tasksIn(now))];
}

export function rowsOfChange(plan: PlanNames, { before, after, kind }: Change): DiffRow[] {
  const [old, now] = [before, after];
  if (kind === "added") return now ? [{ name: "Added", before: null, after: summaryOf(plan, now) }] : [];
  if (kind === "removed") return old ? [{ name: "Removed", before: summaryOf(plan, old), after: null }] : [];
  const place = rowsOf(plan, only(old, "repositoryId"), only(now, "repositoryId"), []);
  return [...rowsOf(plan, old, now), ...place];
}

function rowsOf(plan: PlanNames, before: Element | null, after: Element | null, hidden = HIDDEN): DiffRow[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .filter((name) => !hidden.includes(name) && name !== "tasks")
    .map((name) => ({
      name: label(name),
      before: before && name in before ? formatValue(plan, name, before[name]) : null,
      after: after && name in after ? formatValue(plan, name, after[name]) : null,
    }))
    .filter((row) => row.before !== row.after || row.name === label("phaseId"));
}

function only(element: Element | null, name: string): Element | null {
  return element && name in element ? { [name]: element[name] } : {};
}

function without(element: Element | null): Element | null {
  return element && Object.fromEntries(Object.entries(element).filter(([name]) => name !== "tasks"));
}

/** New tasks refer to each other by key. */
function withNew(plan: PlanNames, tasks: Element[]): PlanNames {
  const named = tasks.map(({ key, title }) => ({ id: String(key), key: String(key), title: String(title) }));
  return { phases: [...plan.phases, { id: "", title: "", tasks: named }] };
}

function tasksIn(element: Element | null): Element[] {
  return Array.isArray(element?.tasks) ? (element.tasks as Element[]) : [];
}

function taskRows(plan: PlanNames, before: Element[], after: Element[]): DiffRow[] {
  const rows: DiffRow[] = [];
  for (let at = 0; at < Math.max(before.length, after.length); at++) {
    const [old, now] = [before[at], after[at]];
    const name = after.length > 1 ? `Task ${at + 1}` : "Task";
    rows.push({ name, before: old ? summaryOf(plan, old) : null, after: now ? summaryOf(plan, now) : null });
  }
  return rows;
}

/** Summary of a task or phase. */
function summaryOf(plan: PlanNames, element: Element): string {
  const { title, effort, description, acceptanceCriteria, dependsOn, mode } = element;
  const lines = [
    typeof effort === "string"
      ? `${formatValue(plan, "title", title)} (${effort})`
      : formatValue(plan, "title", title),
  ];
  if (description) lines.push(formatValue(plan, "description", description));
  if (Array.isArray(acceptanceCriteria)) lines.push(...acceptanceCriteria.map((line) => `• ${String(line)}`));
  if (Array.isArray(dependsOn) && dependsOn.length > 0)
    lines.push(`Depends on: ${formatValue(plan, "dependsOn", dependsOn)}`);
  if (typeof mode === "string") lines.push(`Mode: ${mode}`);
  return lines.filter(Boolean).join("\n");
}

/** `acceptanceCriteria` as "Acceptance criteria". */
function label(name: string): string {
  const known: Record<string, string> = {
    dependsOn: "Depends on",
    taskIds: "Order",
    phaseId: "Phase",
    position: "Position",
    repositoryId: "Repository",
    storyIds: "Stories",
    changeAsked: "Must change files",
    autoCommit: "Commit changes",
    maxParallel: "Max parallel tasks",
    maxCostUsd: "Cost limit (US$)",
    modelEffort: "Model effort",
    review: "Review each change",
  };
  const spaced = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return known[name] ?? spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function formatValue(plan: PlanNames, name: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return EMPTY_VALUE;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(name === "position" ? value + 1 : value);
  if (typeof value === "string") return named(plan, name, value);
  if (Array.isArray(value)) return value.length > 0 ? listed(plan, name, value) : EMPTY_VALUE;
  return Object.entries(value as Element)
    .filter(([, one]) => one !== null)
    .map(
      ([key, one]) =>
        `${label(key)}: ${formatValue(plan, key, key === "taskId" ? taskTitle(plan, String(one)) : one)}`,
    )
    .join(", ");
}

function listed(plan: PlanNames, name: string, values: unknown[]): string {
  const texts = values.map(String);
  if (name === "dependsOn") return texts.map((id) => taskTitle(plan, id)).join(", ");
  if (name === "taskIds") return texts.map((id, at) => `${at + 1}. ${taskTitle(plan, id)}`).join("\n");
  if (name === "storyIds") return texts.map(codePath).join(", ");
  return texts.map((text) => `• ${text}`).join("\n");
}

function named(plan: PlanNames, name: string, value: string): string {
  if (name === "phaseId") return phaseTitle(plan, value);
  if (name !== "repositoryId") return value;
  return plan.repositories?.find(({ id }) => id === value)?.name ?? value;
}

/** Looks up by id or key; new tasks have no id. */
function taskTitle(plan: PlanNames, idOrKey: string): string {
  return (
    plan.phases.flatMap(({ tasks }) => tasks).find(({ id, key }) => id === idOrKey || key === idOrKey)
      ?.title ?? idOrKey
  );
}

function phaseTitle(plan: PlanNames, id: string): string {
  return plan.phases.find((phase) => phase.id === id)?.title ?? id;
}
