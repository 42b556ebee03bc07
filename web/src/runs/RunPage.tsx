import { useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { useParams } from "react-router";

import { isRetryable } from "@/api/errors";
import { projectQuery } from "@/services/projects";
import { ErrorState } from "@/ui/ErrorState";
import { PageHeader } from "@/ui/PageHeader";
import { Panel } from "@/ui/Panel";
import { Skeleton } from "@/ui/Skeleton";
import { usePageTitle } from "@/ui/usePageTitle";

import { RunStatusBadge } from "./badges";
import { InFlight } from "./InFlight";
import type { RunView } from "./merge";
import { runName } from "./labels";
import { RunActions } from "./RunActions";
import { RunFacts } from "./RunFacts";
import { RunItems } from "./RunItems";
import { RunLog } from "./RunLog";
import { RunNotices } from "./RunNotices";
import s from "./RunPage.module.css";
import { RunSummary } from "./RunSummary";
import { useRun } from "./useRun";

export function Component() {
  const { runId = "" } = useParams();
  return <RunScreen key={runId} runId={runId} />;
}

function RunScreen({ runId }: { runId: string }) {
  const { data: newest, error, refetch } = useRun(runId);
  // render updates at low priority to keep the page responsive
  const data = useDeferredValue(newest);
  usePageTitle(data ? runName(data.run.type) : "Run");
  if (data) return <RunLive view={data} />;
  if (newest) return <Skeleton lines={6} height={34} />;
  if (error && !isRetryable(error))
    return <ErrorState isPage title="Could not load this run" error={error} />;
  if (error)
    return <ErrorState isPage title="Waiting for the server" error={error} onRetry={() => void refetch()} />;
  return <Skeleton lines={6} height={34} />;
}

function RunLive({ view }: { view: RunView }) {
  const { run, items } = view;
  const projectId = run.projectId ?? "";
  const project = useQuery({ ...projectQuery(projectId), enabled: projectId !== "" }).data;
  const crumbs = [
    { to: "/", label: "Projects" },
    { to: `/projects/${projectId}`, label: project?.name ?? "Project" },
    { to: `/projects/${projectId}?section=runs`, label: "Runs" },
  ];
  return (
    <>
      <PageHeader
        crumbs={crumbs}
        title={runName(run.type)}
        badge={<RunStatusBadge status={run.status} />}
        actions={<RunActions run={run} />}
      />
      <div className={s.stack}>
        <RunNotices run={run} />
        <RunSummary run={run} />
        <InFlight run={run} items={items} />
        <Panel flush label="Run items">
          <RunItems run={run} items={items} complete={view.listed !== null} />
        </Panel>
        <div className={s.columns}>
          <RunLog run={run} items={items} />
          <RunFacts run={run} />
        </div>
      </div>
    </>
  );
}
