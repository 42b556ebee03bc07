import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { pollAfter, progressQuery } from "@/services/executions";
import { planKeys, planQuery } from "@/services/plans";

import type { Plan, Progress } from "./model";

/** Polling interval of idle plans: another user may change them. */
const IDLE_MS = 15_000;

/** Plan and progress: two API resources kept in sync. */
export function usePlan(planId: string) {
  const written = useQuery(planQuery(planId));
  const standing = useQuery({
    ...progressQuery(planId),
    refetchInterval: ({ state }) => pollAfter(state.data) || IDLE_MS,
  });
  const plan = useMemo(
    () => written.data && withProgress(written.data, standing.data ?? null),
    [written.data, standing.data],
  );
  useVersionSync(planId, written.data, standing.data);
  return {
    plan,
    progress: standing.data ?? null,
    receivedAt: standing.dataUpdatedAt,
    error: written.error ?? standing.error,
    isPending: written.isPending || standing.isPending,
    refetch: () => Promise.all([written.refetch(), standing.refetch()]),
  };
}

/** Plan with the statuses of the progress, the only resource polled for them. */
function withProgress(plan: Plan, progress: Progress | null): Plan {
  if (!progress) return plan;
  const states = new Map(progress.tasks.map((task) => [task.id, task]));
  const phases = plan.phases.map((phase) => ({
    ...phase,
    tasks: phase.tasks.map((task) => ({ ...task, status: states.get(task.id)?.status ?? task.status })),
  }));
  return { ...plan, status: progress.status, phases };
}

/** Refetch the older of plan and progress. */
function useVersionSync(planId: string, plan: Plan | undefined, progress: Progress | undefined): void {
  const queries = useQueryClient();
  const [version, status] = [plan?.version, plan?.status];
  const [seenVersion, seenStatus] = [progress?.version, progress?.status];
  useEffect(() => {
    if (version === undefined || seenVersion === undefined) return;
    if (version < seenVersion) void queries.invalidateQueries({ queryKey: planKeys.one(planId) });
    else if (version > seenVersion)
      void queries.invalidateQueries({ queryKey: [...planKeys.one(planId), "progress"] });
  }, [version, seenVersion, planId, queries]);
  useEffect(() => {
    if (status === seenStatus) return;
    void queries.invalidateQueries({ queryKey: planKeys.current(planId) });
    void queries.invalidateQueries({ queryKey: planKeys.lists() });
  }, [seenStatus]); // eslint-disable-line react-hooks/exhaustive-deps -- only news of the progress counts
}
