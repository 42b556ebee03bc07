import { useCallback } from "react";

import { refusalOf } from "@/plans/dependencies";
import { type Plan, taskOf } from "@/plans/model";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { changeTask } from "@/services/plans";
import { toast } from "@/ui/toast";

/** Add and remove dependencies; invalid ones are rejected without a request. */
export function useDependencies(plan: Plan) {
  const { mutate } = usePlanEdit(plan.id);
  const set = useCallback(
    (taskId: string, dependsOn: string[]) =>
      mutate({
        send: (version) => changeTask(taskId, { dependsOn }, version),
        expected: (now) => withDependencies(now, taskId, dependsOn),
      }),
    [mutate],
  );
  const depend = useCallback(
    (taskId: string, otherId: string) => {
      const refusal = refusalOf(plan, taskId, otherId);
      if (refusal) toast.error("Invalid dependency", refusal.message);
      else set(taskId, [...(taskOf(plan, taskId)?.dependsOn ?? []), otherId]);
    },
    [plan, set],
  );
  const release = useCallback(
    (taskId: string, otherId: string) =>
      set(
        taskId,
        (taskOf(plan, taskId)?.dependsOn ?? []).filter((id) => id !== otherId),
      ),
    [plan, set],
  );
  return { depend, release };
}

export function withDependencies(plan: Plan, taskId: string, dependsOn: string[]): Plan {
  const phases = plan.phases.map((phase) => ({
    ...phase,
    tasks: phase.tasks.map((task) => (task.id === taskId ? { ...task, dependsOn } : task)),
  }));
  return { ...plan, phases };
}
