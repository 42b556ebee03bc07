/** Commands for a plan; some open a dialog first. */
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { explain } from "@/api/errors";
import type { TaskProgress } from "@/plans/model";
import { planKeys } from "@/services/plans";
import { toast } from "@/ui/toast";

export type PlanDialogAction =
  | { kind: "start" | "pause" | "cancel" | "schedule" }
  | { kind: "rollback"; taskId?: string; phaseId?: string }
  | { kind: "reject" | "complete" | "skip"; task: TaskProgress };

type PlanCommand = {
  send: () => Promise<unknown>;
  /** Toast after success. */
  successMessage?: string;
  /** True for an error that the caller shows; others become a toast. */
  isExpected?: (error: unknown) => boolean;
};

/** Send a command and refetch the plan, also after an error: the state may be outdated. */
export function usePlanControl(planId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ send: ask }: PlanCommand) => ask(),
    onSuccess: (_, { successMessage }) => {
      if (successMessage) toast.ok(successMessage);
    },
    onError: (error, { isExpected }) => {
      if (!isExpected?.(error)) toast.error("Action failed", explain(error));
    },
    onSettled: async () => {
      void queries.invalidateQueries({ queryKey: planKeys.lists() });
      await queries.invalidateQueries({ queryKey: planKeys.one(planId) });
    },
  });
}
