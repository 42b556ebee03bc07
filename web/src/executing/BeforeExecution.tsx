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
      <Panel label="Before it begins">
        <EmptyState
          icon={Play}
          title={progress.schedule ? `It begins ${inWords(progress.schedule)}` : "It has not begun yet"}
          action={
            !obstacle && (
              <>
                <Button variant="primary" icon={Play} onClick={() => ask({ kind: "start" })}>
                  Carry out now
                </Button>
                <Button icon={CalendarClock} onClick={() => ask({ kind: "schedule" })}>
                  {progress.schedule ? "Change the schedule" : "Schedule"}
                </Button>
              </>
            )
          }
        >
          {obstacle ??
            "Here you will see each task at work: what it does, what it commits, and what it waits for."}
        </EmptyState>
      </Panel>
      {!obstacle && <EstimateFigures plan={plan} />}
    </div>
  );
}
