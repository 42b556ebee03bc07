import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ApiError, explain } from "@/api/errors";
import { planKeys, planQuery } from "@/services/plans";
import { toast } from "@/ui/toast";

import type { Plan } from "./model";

/** Answer to an edit: the plan, a part with the plan's version, or nothing. */
type Answer = { version: number } | { planVersion: number } | undefined;

type Edit = {
  /** Send the edit with the expected version. */
  send: (version: number) => Promise<unknown>;
  /** Optimistic result. */
  expected?: (plan: Plan) => Plan;
  /** True if the form shows errors itself; otherwise a toast does. */
  isQuiet?: boolean;
};

/**
 * Edits of one plan, sent in sequence with the latest known version. After a conflict the plan is refetched and the user
 * is informed; the edit is lost.
 */
export function usePlanEdit(planId: string) {
  const queries = useQueryClient();
  const key = planKeys.current(planId);
  const mutationKey = ["plan-edit", planId];

  const send = async ({ send: ask }: Edit): Promise<void> => {
    const plan = await queries.query({ ...planQuery(planId), staleTime: "static" });
    const answer = (await ask(plan.version)) as Answer;
    const version = versionOf(answer);
    if (version === null) await queries.query({ ...planQuery(planId), staleTime: 0 });
    else queries.setQueryData<Plan>(key, (now) => now && { ...now, version });
  };

  return useMutation({
    mutationKey,
    scope: { id: mutationKey.join(" ") },
    mutationFn: send,
    onMutate: async ({ expected }) => {
      await queries.cancelQueries({ queryKey: key });
      if (expected) queries.setQueryData<Plan>(key, (now) => now && expected(now));
    },
    onError: (error, { isQuiet }) => {
      if (!isQuiet) showError(error);
    },
    onSettled: async () => {
      // keep optimistic results of queued edits until all are sent
      if (queries.isMutating({ mutationKey }) > 1) return;
      void queries.invalidateQueries({ queryKey: planKeys.lists() });
      await queries.invalidateQueries({ queryKey: planKeys.one(planId) });
    },
  });
}

export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.code === "VERSION_CONFLICT";
}

function showError(error: unknown): void {
  if (isConflict(error)) {
    toast.error("Someone else changed this plan", "It was reloaded. Your last change was not saved.");
  } else {
    toast.error("Could not save the change", explain(error));
  }
}

function versionOf(answer: Answer): number | null {
  if (!answer) return null;
  return "planVersion" in answer ? answer.planVersion : answer.version;
}
