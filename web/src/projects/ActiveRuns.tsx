import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useEffect, useRef } from "react";
import { Link } from "react-router";

import { segmentsOf } from "@/runs/segments";
import { runName } from "@/runs/labels";
import { elapsedMs, remainingMs } from "@/runs/timing";
import { activeRunsQuery, type Run, runKeys } from "@/services/runs";
import { cardKeys } from "@/services/cards";
import { epicKeys } from "@/services/epics";
import { projectKeys } from "@/services/projects";
import { storyKeys } from "@/services/stories";
import { subtaskKeys } from "@/services/subtasks";
import { clock, timeLeft } from "@/ui/format";
import { describeSegments, ProgressBar } from "@/ui/ProgressBar";
import { StatusBadge } from "@/ui/StatusBadge";
import { useNow } from "@/ui/useNow";

import s from "./ActiveRuns.module.css";

/** Active runs of a project. */
export function ActiveRuns({ projectId }: { projectId: string }) {
  const runs = useQuery(activeRunsQuery(projectId)).data;
  useFreshCounts(projectId, runs);
  if (!runs?.length) return null;
  return (
    <section aria-label="Active runs" className={s.runs}>
      {runs.map((run) => (
        <ActiveRun key={run.runId} run={run} />
      ))}
    </section>
  );
}

function ActiveRun({ run }: { run: Run }) {
  const now = useNow();
  const left = remainingMs(run, now);
  return (
    <Link to={`/projects/${run.projectId ?? ""}/runs/${run.runId}`} className={s.run}>
      <span className={s.line}>
        <strong className={s.name}>{runName(run.type)}</strong>
        {run.stale && <StatusBadge tone="amber">Not responding</StatusBadge>}
        <span className={s.detail}>{describeSegments(segmentsOf(run))}</span>
        <span className={s.time}>
          {clock(elapsedMs(run, now))}
          {left !== null && `, ${timeLeft(left)} left`}
          <ArrowRight size={16} aria-hidden />
        </span>
      </span>
      <ProgressBar thin label={runName(run.type)} segments={segmentsOf(run)} />
    </Link>
  );
}

/**
 * Refetch the counts as a run progresses, and the lists when a run starts or ends. Skips the first answer: all data is
 * being loaded then.
 */
function useFreshCounts(projectId: string, runs: Run[] | undefined): void {
  const queries = useQueryClient();
  const made = runs?.reduce((sum, run) => sum + run.artifactsCreated, 0);
  const ids = runs?.map((run) => run.runId).join();
  const before = useRef({ made, ids });
  useEffect(() => {
    const { made: lastMade, ids: lastIds } = before.current;
    before.current = { made, ids };
    if (lastIds === undefined || (lastIds === ids && lastMade === made)) return;
    const lists = [
      cardKeys.list(projectId),
      epicKeys.all,
      storyKeys.all,
      subtaskKeys.all,
      runKeys.list(projectId),
    ];
    const stale = [projectKeys.one(projectId), ...(lastIds === ids ? [] : lists)];
    for (const queryKey of stale) void queries.invalidateQueries({ queryKey });
  }, [made, ids, projectId, queries]);
}
