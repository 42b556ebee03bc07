/** Commands of a task, grouped by check. */
import type { TaskCheck } from "@/services/checks";

export type CheckGroup = Pick<TaskCheck, "tree" | "commit" | "startedAt"> & {
  key: string;
  title: string;
  commands: TaskCheck[];
};

const OCCASIONS: Record<TaskCheck["kind"], string> = {
  task: "In the session",
  landing: "Before landing",
  rollback: "After a rollback",
};

/** Group commands of the same check; the API returns them in order. */
export function groupChecks(commands: readonly TaskCheck[]): CheckGroup[] {
  const groups: CheckGroup[] = [];
  for (const command of commands) {
    const { kind, attempt, tree, commit, startedAt } = command;
    const key = [kind, attempt, tree, startedAt].join(" ");
    const last = groups.at(-1);
    if (last?.key === key) last.commands.push(command);
    else {
      const title = kind === "rollback" ? OCCASIONS[kind] : `${OCCASIONS[kind]}, attempt ${attempt}`;
      groups.push({ key, title, tree, commit, startedAt, commands: [command] });
    }
  }
  return groups;
}
