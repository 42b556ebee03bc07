import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleX, Sparkles } from "lucide-react";
import { Link } from "react-router";

import { explain } from "@/api/errors";
import { flatten } from "@/api/pages";
import { cancelGeneration, iterationsQuery, planKeys, generationRunQuery } from "@/services/plans";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { clock, compact, money } from "@/ui/format";
import { toast } from "@/ui/toast";

import s from "./Generating.module.css";
import type { Plan } from "./model";
import { useNow } from "@/ui/useNow";

/** Progress of a plan generation, with a stop button. */
export function Generating({ planId }: { planId: string }) {
  const queries = useQueryClient();
  const iterations = flatten(useInfiniteQuery(iterationsQuery(planId)).data);
  const runId = iterations.find((one) => one.status === "PENDING")?.runId ?? null;
  const run = useQuery(generationRunQuery(runId)).data;
  const now = useNow(run !== undefined);
  const cancel = useMutation({
    mutationFn: cancelGeneration,
    onError: (error) => toast.error("Could not stop the generation", explain(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: planKeys.one(planId) }),
  });
  return (
    <div className={s.writing}>
      <span className={s.pulse}>
        <Sparkles size={26} aria-hidden />
      </span>
      <h2>Generating the plan</h2>
      <p className={s.phase} role="status">
        {run?.phaseDetail ??
          "Reading the repository, then writing phases and tasks. The plan opens here when it is ready."}
      </p>
      {run && (
        <dl className={s.figures}>
          <Figure name="Elapsed" value={clock(now - Date.parse(run.createdAt))} />
          <Figure name="Tokens" value={compact(run.tokens.input + run.tokens.output)} />
          <Figure name="Cost" value={money(run.costUsd)} />
        </dl>
      )}
      {runId && (
        <Button busy={cancel.isPending} onClick={() => cancel.mutate(runId)}>
          Stop
        </Button>
      )}
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Error state of a failed generation. */
export function GenerationFailed({ plan }: { plan: Plan }) {
  return (
    <EmptyState icon={CircleX} title="Plan generation failed" action={<Link to="/plans">Back to plans</Link>}>
      {plan.error ?? "The cause is unknown."}
    </EmptyState>
  );
}
