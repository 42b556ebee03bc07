/** What people ask of a plan under way. Some is asked at once; what needs a word or a second look opens a dialog. */
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { explain } from "@/api/errors";
import type { TaskProgress } from "@/plans/model";
import { planKey, plansKey } from "@/services/plans";
import { toast } from "@/ui/toast";

export type PlanDialogAction =
  | { kind: "start" | "pause" | "cancel" | "schedule" }
  | { kind: "rollback"; taskId?: string; phaseId?: string }
  | { kind: "reject" | "complete" | "skip"; task: TaskProgress };

type PlanCommand = {
  send: () => Promise<unknown>;
  /** Said when it has been successMessage. */
  successMessage?: string;
};

/** Asks for something and has the plan read again, whatever came of it: a refusal means that it stands otherwise. */
export function usePlanControl(planId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ send: ask }: PlanCommand) => ask(),
    onSuccess: (_, { successMessage }) => {
      if (successMessage) toast.ok(successMessage);
    },
    onError: (error) => toast.error("Action failed", explain(error)),
    onSettled: async () => {
      void queries.invalidateQueries({ queryKey: plansKey() });
      await queries.invalidateQueries({ queryKey: planKey(planId) });
    },
  });
}
