import { useMutation, useQueryClient } from "@tanstack/react-query";

import { ApiError, explain } from "@/api/errors";
import { planKey, planNowKey, planQuery, plansKey } from "@/services/plans";
import { toast } from "@/ui/toast";

import type { Plan } from "./model";

/** What the API answers to an edit: the whole plan, or a part of it with the plan's version; nothing to a deletion. */
type Answer = { version: number } | { planVersion: number } | undefined;

type Edit = {
  /** Asks for it, against this version of the plan. */
  send: (version: number) => Promise<unknown>;
  /** The plan as it will be: shown before the answer is there. */
  expected?: (plan: Plan) => Plan;
  /** A form shows refusals itself; without this they are said at the edge of the page. */
  isQuiet?: boolean;
};

/**
 * Edits of one plan, one after the other, each against the version that is known by then. When somebody else was
 * faster the plan is read again and the person is told; the edit has not been made.
 */
export function usePlanEdit(planId: string) {
  const queries = useQueryClient();
  const key = planNowKey(planId);
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
      // what is still to be sent is shown already: reading the plan now would take it away for a moment
      if (queries.isMutating({ mutationKey }) > 1) return;
      void queries.invalidateQueries({ queryKey: plansKey() });
      await queries.invalidateQueries({ queryKey: planKey(planId) });
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
