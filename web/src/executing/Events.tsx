import type { PlanEvent, Progress } from "@/plans/model";
import { PLAN_STATUSES, TASK_STATUSES, type Tone } from "@/plans/statuses";
import { dateTime, timeOfDay, words } from "@/ui/format";
import { Panel } from "@/ui/Panel";

import s from "./Events.module.css";

const SAID: Record<string, { label: string; tone: Tone }> = {
  ATTEMPT_FAILED: { label: "An attempt failed", tone: "amber" },
  APPROVED: { label: "Approved", tone: "green" },
  ROLLED_BACK: { label: "Rolled back", tone: "violet" },
  PASSED_OVER: { label: "A time of its schedule was passed over for", tone: "amber" },
  ROLLBACK_RUNNING: { label: "A rollback has begun", tone: "violet" },
  ROLLBACK_DONE: { label: "The rollback is done", tone: "violet" },
  ROLLBACK_FAILED: { label: "The rollback could not go on", tone: "red" },
};

/** What has happened lately, newest first. */
export function Events({ progress, onChoose }: { progress: Progress; onChoose: (taskId: string) => void }) {
  const titles = new Map(progress.tasks.map((task) => [task.id, task.title]));
  if (progress.events.length === 0) return null;
  return (
    <Panel title="What has happened" flush>
      <ol className={s.events}>
        {progress.events.map((event) => {
          const { label, tone } = saidOf(event);
          const title = event.taskId && titles.get(event.taskId);
          const at = new Date(event.at);
          return (
            <li key={event.seq} className={s.event}>
              <time dateTime={event.at} title={dateTime(at)} className={s.time}>
                {timeOfDay(at)}
              </time>
              <span className={`${s.dot} ${s[tone]}`} aria-hidden />
              <p className={s.text}>
                <span className={s.label}>{label}</span>{" "}
                {title && event.taskId ? (
                  <button type="button" className={s.task} onClick={() => onChoose(event.taskId ?? "")}>
                    {title}
                  </button>
                ) : (
                  <span>the plan</span>
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

function saidOf({ what, taskId }: PlanEvent): { label: string; tone: Tone } {
  const statuses: Record<string, { label: string; tone: Tone }> = taskId ? TASK_STATUSES : PLAN_STATUSES;
  return SAID[what] ?? statuses[what] ?? { label: words(what), tone: "grey" };
}
