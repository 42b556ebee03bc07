import type { ReactNode } from "react";

import { isActive, type Run } from "@/services/runs";
import { clock, compact, duration, money, number, plural, timeLeft } from "@/ui/format";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";
import { useNow } from "@/ui/useNow";

import { resultCount, resultNoun } from "./labels";
import s from "./RunSummary.module.css";
import { segmentsOf } from "./segments";
import { elapsedMs, remainingMs } from "./timing";

/** Progress, counts and cost of a run. */
export function RunSummary({ run }: { run: Run }) {
  const ended = run.completedItems + run.failedItems + run.skippedItems;
  return (
    <Panel label="Progress">
      <div className={s.top}>
        <p className={s.detail} aria-live="polite">
          {run.status === "CANCELLED"
            ? `Cancelled after ${ended} of ${run.totalItems} items`
            : run.phaseDetail}
        </p>
        <p className={s.percent}>{run.progress}%</p>
      </div>
      <ProgressBar label="Run progress" segments={segmentsOf(run)} />
      <Legend run={run} />
      <Figures run={run} />
    </Panel>
  );
}

function Legend({ run }: { run: Run }) {
  const parts = [
    { name: "completed", look: s.done, count: run.completedItems },
    { name: "skipped", look: s.skipped, count: run.skippedItems },
    { name: "failed", look: s.failed, count: run.failedItems },
    { name: "in progress", look: s.active, count: run.activeItems },
    { name: isActive(run) ? "pending" : "not started", look: s.waiting, count: run.pendingItems },
  ];
  return (
    <ul className={s.legend}>
      {parts.map(({ name, look, count }) => (
        <li key={name} className={count === 0 ? s.none : undefined}>
          <span className={`${s.dot} ${look}`} aria-hidden /> <strong>{number(count)}</strong> {name}
        </li>
      ))}
    </ul>
  );
}

function Figures({ run }: { run: Run }) {
  const [one, many] = resultNoun(run.type);
  const { input, output, cacheRead, cacheWrite } = run.tokens;
  const limit = run.options.maxCostUsd;
  return (
    <dl className={s.figures}>
      <TimeFigures run={run} />
      <Figure
        name="Tokens"
        value={`${compact(input + cacheRead + cacheWrite)} in`}
        also={`${compact(output)} out`}
      />
      <Figure
        name="Cost"
        value={money(run.costUsd)}
        also={limit === null ? "no limit" : `limit ${money(limit)}`}
      />
      <Figure
        name="Created"
        value={plural(resultCount(run), one, many)}
        also={run.artifactsDeleted ? `${number(run.artifactsDeleted)} replaced` : null}
      />
    </dl>
  );
}

/** Separate component: only this part re-renders every second. */
function TimeFigures({ run }: { run: Run }) {
  const active = isActive(run);
  const now = useNow(active);
  const left = remainingMs(run, now);
  if (!active) return <Figure name="Duration" value={duration(elapsedMs(run, now))} also={null} />;
  return (
    <>
      <Figure name="Elapsed" value={<span role="timer">{clock(elapsedMs(run, now))}</span>} also={null} />
      <Figure name="Time left" value={left === null ? "–" : timeLeft(left)} also={null} />
    </>
  );
}

function Figure({ name, value, also }: { name: string; value: ReactNode; also: string | null }) {
  return (
    <div className={s.figure}>
      <dt>{name}</dt>
      <dd>
        {value} {also && <span className={s.also}>{also}</span>}
      </dd>
    </div>
  );
}
