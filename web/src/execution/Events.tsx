import type { PlanEvent, Progress } from "@/plans/model";
import { PLAN_STATUSES, TASK_STATUSES } from "@/plans/statuses";
import { dateTime, timeOfDay, humanize } from "@/ui/format";
import { Panel } from "@/ui/Panel";
import type { Tone } from "@/ui/StatusBadge";

import s from "./Events.module.css";

type EventStyle = { label: string; tone: Tone };

const PLAN_EVENTS: Record<string, EventStyle> = {
  RUNNING: { label: "Plan running", tone: "blue" },
  PAUSING: { label: "Plan pausing", tone: "amber" },
  PAUSED: { label: "Plan paused", tone: "amber" },
  COMPLETED: { label: "Plan completed", tone: "green" },
  FAILED: { label: "Run ended early", tone: "red" },
  CANCELLED: { label: "Plan cancelled", tone: "grey" },
  PASSED_OVER: { label: "Scheduled run skipped", tone: "amber" },
};

const TASK_EVENTS: Record<string, EventStyle> = {
  RUNNING: { label: "Started", tone: "blue" },
  ATTEMPT_FAILED: { label: "Attempt failed", tone: "amber" },
  APPROVED: { label: "Approved", tone: "green" },
  ROLLED_BACK: { label: "Rolled back", tone: "violet" },
};

const ROLLBACK_EVENTS: Record<string, EventStyle> = {
  ROLLBACK_RUNNING: { label: "Rollback started", tone: "violet" },
  ROLLBACK_DONE: { label: "Rollback completed", tone: "violet" },
  ROLLBACK_FAILED: { label: "Rollback failed", tone: "red" },
  ROLLBACK_CHECK_PASSED: { label: "Checks passed after the rollback", tone: "green" },
  ROLLBACK_CHECK_FAILED: { label: "Checks failed after the rollback", tone: "red" },
  ROLLBACK_CHECK_NOT_RUN: { label: "Checks not run after the rollback", tone: "amber" },
};

/** Activity lately, newest first. */
export function Events({ progress, onChoose }: { progress: Progress; onChoose: (taskId: string) => void }) {
  const titles = new Map(progress.tasks.map((task) => [task.id, task.title]));
  if (progress.events.length === 0) return null;
  return (
    <Panel title="Activity" flush>
      <ol className={s.events}>
        {progress.events.map((event) => {
          const { label, tone } = styleOf(event);
          const title = event.taskId && titles.get(event.taskId);
          const at = new Date(event.at);
          return (
            <li key={event.seq} className={s.event}>
              <time dateTime={event.at} title={dateTime(at)} className={s.time}>
                {timeOfDay(at)}
              </time>
              <span className={`${s.dot} ${s[tone]}`} aria-hidden />
              <p className={s.text}>
                <span className={s.label}>{title ? `${label}:` : label}</span>{" "}
                {title && event.taskId && (
                  <button type="button" className={s.task} onClick={() => onChoose(event.taskId ?? "")}>
                    {title}
                  </button>
                )}
                {event.who && <span className={s.who}> · {event.who}</span>}
                {event.reason && <span className={s.reason}>{event.reason}</span>}
              </p>
            </li>
          );
        })}
      </ol>
    </Panel>
  );
}

function styleOf({ what, taskId }: PlanEvent): EventStyle {
  const [said, statuses]: Record<string, EventStyle>[] = taskId
    ? [TASK_EVENTS, TASK_STATUSES]
    : [PLAN_EVENTS, PLAN_STATUSES];
  return said?.[what] ?? statuses?.[what] ?? ROLLBACK_EVENTS[what] ?? { label: humanize(what), tone: "grey" };
}
