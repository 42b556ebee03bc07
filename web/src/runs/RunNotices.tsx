import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { isActive, type Run, runsQuery } from "@/services/runs";
import { ago, duration, plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { useNow } from "@/ui/useNow";

/** What is not as usual about a run. */
export function RunNotices({ run }: { run: Run }) {
  return (
    <>
      {run.stale && <Stale run={run} />}
      {run.errorMessage && !isActive(run) && (
        <Notice tone={run.status === "FAILED" ? "error" : "warning"} title={ENDED[run.status]}>
          {run.errorMessage}
        </Notice>
      )}
      {run.errorMessage && isActive(run) && <Notice tone="warning">{run.errorMessage}</Notice>}
      {!isActive(run) && <Retried run={run} />}
      {run.coverage && <CoverageNotice run={run} />}
      {run.ai === "mock" && (
        <Notice tone="info" title="Made by the mock, not by Claude">
          No key for Claude was found, so the texts are made up and the costs are what Claude would have
          taken.
        </Notice>
      )}
    </>
  );
}

const ENDED: Partial<Record<Run["status"], string>> = {
  FAILED: "The run has failed",
  PARTIAL: "Some items have failed",
  CANCELLED: "The run was cancelled",
};

function Stale({ run }: { run: Run }) {
  const now = useNow();
  const since = run.heartbeatAt ?? run.startedAt ?? run.createdAt;
  return (
    <Notice tone="warning" title="No sign of life from this run">
      Last heard of {ago(new Date(since), now)}. The schedule looks for such runs and has another worker go
      on; nothing is lost. You can also cancel it.
    </Notice>
  );
}

/** The retry that is due, or the one that was made. */
function Retried({ run }: { run: Run }) {
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
        action={<Link to={`/projects/${run.projectId ?? ""}/runs/${retry.runId}`}>Go to the retry</Link>}
      >
        What failed here was tried again.
      </Notice>
    );
  }
  if (run.nextRetryAt === null || run.nextRetryAt < now) return null;
  return (
    <Notice tone="info">
      {plural(run.failedItems, "failed item")} will be tried again by itself in about{" "}
      {duration(run.nextRetryAt - now)}.
    </Notice>
  );
}

function CoverageNotice({ run }: { run: Run }) {
  if (!run.coverage) return null;
  const { stated, covered, rest } = run.coverage;
  return (
    <Notice tone={rest > 0 ? "warning" : "info"}>
      {plural(covered, "card")} of the {stated} that state a bug or a wish {covered === 1 ? "is" : "are"}{" "}
      behind an epic
      {rest > 0 ? `; ${rest} are in none.` : "."}
    </Notice>
  );
}
