import { Undo2 } from "lucide-react";

import { taskOf } from "@/plans/model";
import type { PlanContext } from "@/plans/planContext";
import { plural } from "@/ui/format";

import { changeNoun } from "./rollbackScope";
import s from "./Execution.module.css";

type Shown = Pick<PlanContext, "plan" | "progress">;

/** Banner for a running rollback, and for the checks after it. */
export function RollbackBanner({ plan, progress }: Shown) {
  const text = bannerText({ plan, progress });
  if (text === null) return null;
  return (
    <p className={s.rollback} role="status">
      <Undo2 size={16} aria-hidden />
      <span>{text}</span>
    </p>
  );
}

function bannerText({ plan, progress }: Shown): string | null {
  const rollback = progress.rollback;
  if (!rollback) return null;
  if (rollback.status === "RUNNING") {
    const titles = rollback.taskIds.map((id) => taskOf(plan, id)?.title ?? id);
    return `Rolling back ${plural(titles.length, ...changeNoun(plan))}: ${titles.join(", ")}`;
  }
  if (rollback.heads.some((head) => head.verified === null)) return "Checking the branch after the rollback";
  const failed = rollback.heads.find((head) => head.verified === "failed");
  return failed ? `The checks failed after the rollback, on ${failed.commit.slice(0, 7)}` : null;
}
