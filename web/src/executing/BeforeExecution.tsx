import { CalendarClock, Play } from "lucide-react";

import { EstimateFigures } from "@/plans/EstimateFigures";
import type { PlanContext } from "@/plans/planContext";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { Panel } from "@/ui/Panel";

import { incompleteness } from "./actions";
import s from "./Execution.module.css";
import { inWords } from "./timing";

/** A plan that has not begun yet: what it would take, and the ways to begin. */
export function BeforeExecution({ plan, progress, ask }: PlanContext) {
  const obstacle = incompleteness(plan);
  return (
    <div className={s.page}>
      <Panel label="Not started">
        <EmptyState
          icon={Play}
          title={progress.schedule ? `Scheduled: ${inWords(progress.schedule)}` : "Not started yet"}
          action={
            !obstacle && (
              <>
                <Button variant="primary" icon={Play} onClick={() => ask({ kind: "start" })}>
                  Run now
                </Button>
                <Button icon={CalendarClock} onClick={() => ask({ kind: "schedule" })}>
                  {progress.schedule ? "Edit schedule" : "Schedule"}
                </Button>
              </>
            )
          }
        >
          {obstacle ?? "This page will show each task: its status, its log and its commit."}
        </EmptyState>
      </Panel>
      {!obstacle && <EstimateFigures plan={plan} />}
    </div>
  );
}
