import { useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { Link } from "react-router";

import { RunStatusBadge } from "@/runs/badges";
import { resultCount, resultNoun, runName } from "@/runs/labels";
import { segmentsOf } from "@/runs/segments";
import { elapsedMs } from "@/runs/timing";
import { isActive, type Run, runsQuery } from "@/services/runs";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { ago, clock, dateTime, duration, money, plural } from "@/ui/format";
import { Panel } from "@/ui/Panel";
import { ProgressBar } from "@/ui/ProgressBar";
import { Skeleton } from "@/ui/Skeleton";
import { useNow } from "@/ui/useNow";

import s from "./RunsSection.module.css";

/** The project's runs, newest first. */
export function RunsSection({ projectId }: { projectId: string }) {
  const query = useQuery({ ...runsQuery(projectId), refetchInterval: 10_000 });
  const now = useNow();
  if (query.isPending) return <Skeleton lines={5} height={40} />;
  if (!query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data.length === 0) {
    return (
      <EmptyState icon={History} title="No runs yet">
        A run uses Claude to analyze cards, or to generate epics, stories or subtasks. Start one from the
        “Run” menu.
      </EmptyState>
    );
  }
  return (
    <Panel flush label="Runs">
      <ul>
        {query.data.map((run) => (
          <RunRow key={run.runId} run={run} now={now} />
        ))}
      </ul>
    </Panel>
  );
}

/** Duration; with seconds while the run is active. */
function runDuration(run: Run, now: number): string {
  const ms = elapsedMs(run, now);
  return isActive(run) ? clock(ms) : duration(ms);
}

function RunRow({ run, now }: { run: Run; now: number }) {
  const [one, many] = resultNoun(run.type);
  const created = new Date(run.createdAt);
  return (
    <li className={s.row}>
      <div className={s.what}>
        <Link to={`/projects/${run.projectId ?? ""}/runs/${run.runId}`} className={s.name}>
          {runName(run.type)}
        </Link>
        <span className={s.when}>
          <time dateTime={created.toISOString()} title={dateTime(created)}>
            {ago(created, now)}
          </time>
          {run.retryOf && " · retry"}
        </span>
      </div>
      <span>
        <RunStatusBadge status={run.status} />
      </span>
      <div className={s.progress}>
        <ProgressBar thin label={`Progress of ${runName(run.type)}`} segments={segmentsOf(run)} />
      </div>
      <span className={s.made}>{plural(resultCount(run), one, many)}</span>
      <span className={s.number}>{runDuration(run, now)}</span>
      <span className={s.number}>{money(run.costUsd)}</span>
    </li>
  );
}
