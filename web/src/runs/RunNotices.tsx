import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { isActive, type Run, runsQuery } from "@/services/runs";
import { ago, duration, number, plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { useNow } from "@/ui/useNow";

/** Warnings and notes about a run. */
export function RunNotices({ run }: { run: Run }) {
  return (
    <>
      {run.stale && <StaleNotice run={run} />}
      {run.errorMessage && !isActive(run) && (
        <Notice tone={run.status === "FAILED" ? "error" : "warning"} title={ENDED[run.status]}>
          {run.errorMessage}
        </Notice>
      )}
      {run.errorMessage && isActive(run) && <Notice tone="warning">{run.errorMessage}</Notice>}
      {!isActive(run) && <RetryNotice run={run} />}
      {run.coverage && <CoverageNotice run={run} />}
      {run.ai === "mock" && (
        <Notice tone="info" title="Mock output">
          No Claude API key was found. Answers to the example cards were written in advance, all other text is
          placeholder. Costs are what Claude would have charged.
        </Notice>
      )}
    </>
  );
}

const ENDED: Partial<Record<Run["status"], string>> = {
  FAILED: "The run failed",
  PARTIAL: "Some items failed",
  CANCELLED: "The run was cancelled",
};

function StaleNotice({ run }: { run: Run }) {
  const now = useNow();
  const since = run.heartbeatAt ?? run.startedAt ?? run.createdAt;
  return (
    <Notice tone="warning" title="This run is not responding">
      Last heartbeat {ago(new Date(since), now)}. Another worker will take over automatically; nothing is
      lost. You can also cancel the run.
    </Notice>
  );
}

/** Link to the retry run, or the time of the automatic retry. */
function RetryNotice({ run }: { run: Run }) {
  const now = useNow(run.nextRetryAt !== null);
  const runs = useQuery({
    ...runsQuery(run.projectId ?? ""),
    enabled: run.failedItems > 0 || run.status === "FAILED",
  });
  const retry = runs.data?.find((other) => other.retryOf === run.runId);
  if (retry) {
    return (
      <Notice
        tone="info"
        action={<Link to={`/projects/${run.projectId ?? ""}/runs/${retry.runId}`}>View retry</Link>}
      >
        The failed items were retried.
      </Notice>
    );
  }
  if (run.nextRetryAt === null || run.nextRetryAt < now) return null;
  return (
    <Notice tone="info">
      Retrying {plural(run.failedItems, "failed item")} automatically in about{" "}
      {duration(run.nextRetryAt - now)}.
    </Notice>
  );
}

function CoverageNotice({ run }: { run: Run }) {
  if (!run.coverage) return null;
  const { stated, covered, rest } = run.coverage;
  return (
    <Notice tone={rest > 0 ? "warning" : "info"}>
      Epics cover {number(covered)} of {plural(stated, "card")} with a bug or a feature request
      {rest > 0 ? `; ${number(rest)} not covered.` : "."}
    </Notice>
  );
}
