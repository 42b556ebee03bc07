import type { ReactNode } from "react";

import { isExecuting, phaseOf } from "@/plans/model";
import type { PlanContext } from "@/plans/planContext";
import { useNow } from "@/ui/useNow";
import { clock, compact, money, timeLeft } from "@/ui/format";
import { ProgressBar } from "@/ui/ProgressBar";

import s from "./Execution.module.css";
import { countsInWords, percentOf, segmentsOf } from "./segments";
import { describeSchedule } from "./schedule";

/** Progress, time and cost of a plan. */
export function ExecutionSummary({ plan, progress, receivedAt }: PlanContext) {
  const isLive = isExecuting(progress.status);
  const now = useNow(isLive);
  const segments = segmentsOf(progress);
  const elapsed = progress.elapsedMs + (isLive ? Math.max(0, now - receivedAt) : 0);
  const { input, output, cacheRead, cacheWrite } = progress.tokens;
  const running = progress.tasks.filter((task) => task.status === "RUNNING");
  return (
    <section className={s.summary} aria-label="Progress">
      <div className={s.head}>
        <p className={s.percent}>{percentOf(progress)}%</p>
        <p className={s.counts}>{countsInWords(progress)}</p>
        {progress.schedule && <p className={s.counts}>Scheduled: {describeSchedule(progress.schedule)}</p>}
      </div>
      <ProgressBar label="Plan progress" segments={segments} />
      {running.length > 0 && (
        <ul className={s.running} aria-label="Running tasks">
          {running.slice(0, 6).map((task) => (
            <li key={task.id} className={s.runningTask}>
              <span className={s.dot} aria-hidden />
              <span className="truncate">{task.title}</span>
              <span className={s.since}>
                {phaseOf(plan, task.id)?.title}
                {task.startedAt && `, ${clock(now - Date.parse(task.startedAt))}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <dl className={s.figures}>
        <Figure name="Elapsed">{clock(elapsed)}</Figure>
        {progress.status === "RUNNING" && progress.estimatedRemainingMs !== null && (
          <Figure name="Time left">{timeLeft(progress.estimatedRemainingMs)}</Figure>
        )}
        <Figure
          name="Tokens"
          title={`${input} input, ${cacheRead} cache reads, ${cacheWrite} cache writes, ${output} output`}
        >
          {compact(input + output + cacheRead + cacheWrite)}
        </Figure>
        <Figure name="Cost">{money(progress.costUsd)}</Figure>
        {plan.autoCommit && progress.branch && (
          <Figure name="Branch">
            <span className="mono">{progress.branch}</span>
          </Figure>
        )}
      </dl>
    </section>
  );
}

function Figure({ name, title, children }: { name: string; title?: string; children: ReactNode }) {
  return (
    <div className={s.figure} title={title}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
