/** What stands side by side: the fields of a suggestion or of a change, before and after, in words. */
import { codePath } from "@/backlog/tree";

import type { Change, Suggestion } from "./model";

/** A field that is there and says nothing. */
export const NOTHING = "–";

/** Null where there is nothing on that side. */
export type Row = { name: string; before: string | null; after: string | null };

type Element = Record<string, unknown>;
type Named = {
  phases: readonly { id: string; title: string; tasks: readonly NamedTask[] }[];
  repositories?: readonly { id: string; name: string }[];
};
type NamedTask = { id: string; key: string; title: string };

/** Said by the title, or of no interest to people. */
const HIDDEN = ["id", "taskId", "after", "storyId", "subtaskId", "repositoryId"];

export function rowsOfSuggestion(plan: Named, { before, after }: Suggestion): Row[] {
  const [old, now] = [before, after];
  const rows = rowsOf(plan, without(old), without(now));
  return [...rows, ...taskRows(withNew(plan, tasksIn(now)), tasksIn(old), tasksIn(now))];
}

export function rowsOfChange(plan: Named, { before, after, kind }: Change): Row[] {
  const [old, now] = [before, after];
  if (kind === "added") return now ? [{ name: "Added", before: null, after: told(plan, now) }] : [];
  if (kind === "removed") return old ? [{ name: "Removed", before: told(plan, old), after: null }] : [];
  const place = rowsOf(plan, only(old, "repositoryId"), only(now, "repositoryId"), []);
  return [...rowsOf(plan, old, now), ...place];
}

function rowsOf(plan: Named, before: Element | null, after: Element | null, hidden = HIDDEN): Row[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])];
  return names
    .filter((name) => !hidden.includes(name) && name !== "tasks")
    .map((name) => ({
      name: label(name),
      before: before && name in before ? inWords(plan, name, before[name]) : null,
      after: after && name in after ? inWords(plan, name, after[name]) : null,
    }))
    .filter((row) => row.before !== row.after || row.name === label("phaseId"));
}

function only(element: Element | null, name: string): Element | null {
  return element && name in element ? { [name]: element[name] } : {};
}

function without(element: Element | null): Element | null {
  return element && Object.fromEntries(Object.entries(element).filter(([name]) => name !== "tasks"));
}

/** Tasks that are not there yet go by their keys among themselves. */
function withNew(plan: Named, tasks: Element[]): Named {
  const named = tasks.map(({ key, title }) => ({ id: String(key), key: String(key), title: String(title) }));
  return { phases: [...plan.phases, { id: "", title: "", tasks: named }] };
}

function tasksIn(element: Element | null): Element[] {
  return Array.isArray(element?.tasks) ? (element.tasks as Element[]) : [];
}

function taskRows(plan: Named, before: Element[], after: Element[]): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < Math.max(before.length, after.length); at++) {
    const [old, now] = [before[at], after[at]];
    const name = after.length > 1 ? `Task ${at + 1}` : "Task";
    rows.push({ name, before: old ? told(plan, old) : null, after: now ? told(plan, now) : null });
  }
  return rows;
}

/** A whole task or phase as a few lines. */
function told(plan: Named, element: Element): string {
  const { title, effort, description, acceptanceCriteria, dependsOn, mode } = element;
  const lines = [
    typeof effort === "string"
      ? `${inWords(plan, "title", title)} (${effort})`
      : inWords(plan, "title", title),
  ];
  if (description) lines.push(inWords(plan, "description", description));
  if (Array.isArray(acceptanceCriteria)) lines.push(...acceptanceCriteria.map((line) => `• ${String(line)}`));
  if (Array.isArray(dependsOn) && dependsOn.length > 0)
    lines.push(`Depends on: ${inWords(plan, "dependsOn", dependsOn)}`);
  if (typeof mode === "string") lines.push(`Mode: ${mode}`);
  return lines.filter(Boolean).join("\n");
}

/** `acceptanceCriteria` as "Acceptance criteria". */
export function label(name: string): string {
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
  };
  const spaced = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return known[name] ?? spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function inWords(plan: Named, name: string, value: unknown): string {
  if (value === null || value === undefined || value === "") return NOTHING;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return String(name === "position" ? value + 1 : value);
  if (typeof value === "string") return named(plan, name, value);
  if (Array.isArray(value)) return value.length > 0 ? listed(plan, name, value) : NOTHING;
  return Object.entries(value as Element)
    .filter(([, one]) => one !== null)
    .map(
      ([key, one]) =>
        `${label(key)}: ${inWords(plan, key, key === "taskId" ? taskTitle(plan, String(one)) : one)}`,
    )
    .join(", ");
}

function listed(plan: Named, name: string, values: unknown[]): string {
  const texts = values.map(String);
  if (name === "dependsOn") return texts.map((id) => taskTitle(plan, id)).join(", ");
  if (name === "taskIds") return texts.map((id, at) => `${at + 1}. ${taskTitle(plan, id)}`).join("\n");
  if (name === "storyIds") return texts.map(codePath).join(", ");
  return texts.map((text) => `• ${text}`).join("\n");
}

function named(plan: Named, name: string, value: string): string {
  if (name === "phaseId") return phaseTitle(plan, value);
  if (name !== "repositoryId") return value;
  return plan.repositories?.find(({ id }) => id === value)?.name ?? value;
}

/** By id, or by key: what is not there yet has no id. */
function taskTitle(plan: Named, idOrKey: string): string {
  return (
    plan.phases.flatMap(({ tasks }) => tasks).find(({ id, key }) => id === idOrKey || key === idOrKey)
      ?.title ?? idOrKey
  );
}

function phaseTitle(plan: Named, id: string): string {
  return plan.phases.find((phase) => phase.id === id)?.title ?? id;
}
