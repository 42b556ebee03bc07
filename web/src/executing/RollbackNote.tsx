import { Undo2 } from "lucide-react";

import { taskOf } from "@/plans/model";
import type { PlanContext } from "@/plans/planContext";
import { plural } from "@/ui/format";

import { workOf } from "./builtOn";
import s from "./Execution.module.css";

/** Commits, or patches, that are being taken back at the moment. */
export function RollbackNote({ plan, progress }: PlanContext) {
  const rollback = progress.rollback;
  if (rollback?.status !== "RUNNING") return null;
  const titles = rollback.taskIds.map((id) => taskOf(plan, id)?.title ?? id);
  return (
    <p className={s.rollback} role="status">
      <Undo2 size={16} aria-hidden />
      <span>
        Rolling back {plural(titles.length, ...workOf(plan))}: {titles.join(", ")}
      </span>
    </p>
  );
}
