import type { PlanEvent, Progress } from "@/plans/model";
import { PLAN_STATUSES, TASK_STATUSES, type Tone } from "@/plans/statuses";
import { dateTime, timeOfDay, words } from "@/ui/format";
import { Panel } from "@/ui/Panel";

import s from "./Events.module.css";

type Said = { label: string; tone: Tone };

const OF_PLAN: Record<string, Said> = {
  RUNNING: { label: "The plan goes on", tone: "blue" },
  PAUSING: { label: "The plan is to pause", tone: "amber" },
  PAUSED: { label: "The plan has paused", tone: "amber" },
  COMPLETED: { label: "The plan is complete", tone: "green" },
  FAILED: { label: "The execution has ended before the plan", tone: "red" },
  CANCELLED: { label: "The plan is cancelled", tone: "grey" },
  PASSED_OVER: { label: "A time of the schedule was passed over", tone: "amber" },
};

const OF_TASK: Record<string, Said> = {
  RUNNING: { label: "Begun", tone: "blue" },
  ATTEMPT_FAILED: { label: "An attempt failed", tone: "amber" },
  APPROVED: { label: "Approved", tone: "green" },
  ROLLED_BACK: { label: "Rolled back", tone: "violet" },
};

const OF_ROLLBACK: Record<string, Said> = {
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

function saidOf({ what, taskId }: PlanEvent): Said {
  const [said, statuses]: Record<string, Said>[] = taskId
    ? [OF_TASK, TASK_STATUSES]
    : [OF_PLAN, PLAN_STATUSES];
  return said?.[what] ?? statuses?.[what] ?? OF_ROLLBACK[what] ?? { label: words(what), tone: "grey" };
}
