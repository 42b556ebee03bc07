import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, Outlet, useParams } from "react-router";

import { ApiError } from "@/api/errors";
import { usePlanControl, type PlanDialogAction } from "@/execution/usePlanControl";
import { PlanActionDialog } from "@/execution/PlanActionDialog";
import { AttentionBanner } from "@/execution/AttentionBanner";
import { PlanControls } from "@/execution/PlanControls";
import { repositoriesQuery } from "@/services/repositories";
import { ErrorState } from "@/ui/ErrorState";
import { MockMark } from "@/ui/MadeBy";
import { PageHeader } from "@/ui/PageHeader";
import { Skeleton } from "@/ui/Skeleton";
import { usePageTitle } from "@/ui/usePageTitle";

import { Generating, GenerationFailed } from "./Generating";
import { type Plan, type Progress, taskOf } from "./model";
import { PlanBadge } from "./PlanBadge";
import type { PlanContext } from "./planContext";
import { PlanTabs } from "./PlanTabs";
import { usePlan } from "./usePlan";

const PLANS = [{ to: "/plans", label: "Plans" }];

/** Plan page: header with actions, and one tab. */
export function Component() {
  const { planId = "" } = useParams();
  const { plan, progress, receivedAt, error, isPending, refetch } = usePlan(planId);
  usePageTitle(plan?.title ?? "Plan");
  if (plan && progress)
    return <PlanView key={planId} plan={plan} progress={progress} receivedAt={receivedAt} />;
  if (isPending && !error) return <Skeleton lines={8} height={28} />;
  const isGone = error instanceof ApiError && error.status === 404;
  return (
    <ErrorState
      isPage
      title={isGone ? "Plan not found" : "Could not load the plan"}
      error={error}
      {...(isGone ? { action: <Link to="/plans">All plans</Link> } : { onRetry: () => void refetch() })}
    />
  );
}

type ShownProps = { plan: Plan; progress: Progress; receivedAt: number };

function PlanView({ plan, progress, receivedAt }: ShownProps) {
  const [dialogAction, openDialog] = useState<PlanDialogAction | null>(null);
  const control = usePlanControl(plan.id);
  const { data: repositories = [], isPending } = useQuery(repositoriesQuery());
  const known = (wanted: string) => repositories.find(({ id }) => id === wanted) ?? null;
  const repository = known(plan.repositoryId);
  const repositoryOf = (taskId: string) => known(taskOf(plan, taskId)?.repositoryId ?? plan.repositoryId);
  const context: PlanContext = {
    plan,
    progress,
    receivedAt,
    repositories,
    repositoryOf,
    openDialog,
    control,
  };
  const isWritten = plan.status !== "GENERATING" && !(plan.status === "FAILED" && progress.execution === 0);
  return (
    <>
      <PageHeader
        title={plan.title}
        crumbs={PLANS}
        badge={
          <>
            <PlanBadge status={plan.status} />
            <MockMark madeBy={plan.madeBy} />
          </>
        }
        {...(repository || isPending ? { lead: repository?.name ?? "\u00a0" } : {})}
        actions={<PlanControls {...context} />}
      />
      {isWritten ? (
        <>
          <AttentionBanner progress={progress} planId={plan.id} />
          <PlanTabs plan={plan} progress={progress} />
          <Outlet context={context} />
        </>
      ) : plan.status === "GENERATING" ? (
        <Generating planId={plan.id} />
      ) : (
        <GenerationFailed plan={plan} />
      )}
      {dialogAction && (
        <PlanActionDialog action={dialogAction} onClose={() => openDialog(null)} {...context} />
      )}
    </>
  );
}
