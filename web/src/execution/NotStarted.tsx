import { CalendarClock, Play } from "lucide-react";

import { EstimateFigures } from "@/plans/EstimateFigures";
import type { PlanContext } from "@/plans/planContext";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { Panel } from "@/ui/Panel";

import { incompleteReason } from "./actions";
import s from "./Execution.module.css";
import { describeSchedule } from "./schedule";

/** Execution tab before the first run: estimate and start actions. */
export function NotStarted({ plan, progress, openDialog }: PlanContext) {
  const obstacle = incompleteReason(plan);
  return (
    <div className={s.page}>
      <Panel label="Not started">
        <EmptyState
          icon={Play}
          title={progress.schedule ? `Scheduled: ${describeSchedule(progress.schedule)}` : "Not started yet"}
          action={
            !obstacle && (
              <>
                <Button variant="primary" icon={Play} onClick={() => openDialog({ kind: "start" })}>
                  Run now
                </Button>
                <Button icon={CalendarClock} onClick={() => openDialog({ kind: "schedule" })}>
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
