/** What people ask of a plan under way. Some is asked at once; what needs a word or a second look opens a dialog. */
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { explain } from "@/api/errors";
import type { TaskProgress } from "@/plans/model";
import { planKey, plansKey } from "@/services/plans";
import { toast } from "@/ui/toast";

export type Asked =
  | { kind: "start" | "pause" | "cancel" | "schedule" }
  | { kind: "rollback"; taskId?: string; phaseId?: string }
  | { kind: "reject" | "complete" | "skip"; task: TaskProgress };

type Control = {
  ask: () => Promise<unknown>;
  /** Said when it has been done. */
  done?: string;
};

/** Asks for something and has the plan read again, whatever came of it: a refusal means that it stands otherwise. */
export function useControl(planId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ ask }: Control) => ask(),
    onSuccess: (_, { done }) => {
      if (done) toast.ok(done);
    },
    onError: (error) => toast.error("Action failed", explain(error)),
    onSettled: async () => {
      void queries.invalidateQueries({ queryKey: plansKey() });
      await queries.invalidateQueries({ queryKey: planKey(planId) });
    },
  });
}
