import { Undo2 } from "lucide-react";

import { taskOf } from "@/plans/model";
import type { PlanContext } from "@/plans/planContext";
import { plural } from "@/ui/format";

import { changeNoun } from "./rollbackScope";
import s from "./Execution.module.css";

/** Banner for a running rollback. */
export function RollbackBanner({ plan, progress }: PlanContext) {
  const rollback = progress.rollback;
  if (rollback?.status !== "RUNNING") return null;
  const titles = rollback.taskIds.map((id) => taskOf(plan, id)?.title ?? id);
  return (
    <p className={s.rollback} role="status">
      <Undo2 size={16} aria-hidden />
      <span>
        Rolling back {plural(titles.length, ...changeNoun(plan))}: {titles.join(", ")}
      </span>
    </p>
  );
}
