import { useQuery } from "@tanstack/react-query";

import { explain } from "@/api/errors";
import { estimateQuery } from "@/services/plans";
import { compact, duration, money, plural } from "@/ui/format";
import { Skeleton } from "@/ui/Skeleton";

import s from "./forms.module.css";
import type { Plan, PlanEstimate } from "./model";

const BASES: Record<string, string> = {
  measured: "Based on tasks of this size in this repository.",
  mixed: "Based partly on measurements in this repository, partly on assumptions.",
  assumed: "Based on assumptions: this repository has no measurements yet.",
};

/** Estimate for the tasks that have not ended. */
export function EstimateFigures({ plan }: { plan: Plan }) {
  const { data, error } = useQuery(estimateQuery(plan.id, plan.version));
  if (error) return <p className={s.error}>No estimate available: {explain(error)}</p>;
  if (!data) return <Skeleton lines={2} height={40} />;
  return <Figures estimate={data} />;
}

function Figures({ estimate }: { estimate: PlanEstimate }) {
  const tokens = estimate.inputTokens + estimate.outputTokens;
  return (
    <>
      <dl className={s.figures}>
        <Figure name="Time" value={`about ${duration(estimate.seconds * 1000)}`} note={atOnce(estimate)} />
        <Figure name="Cost" value={money(estimate.costUsd)} note={plural(estimate.calls, "call")} />
        <Figure name="Tokens" value={compact(tokens)} note={`${compact(estimate.outputTokens)} output`} />
        <Figure name="Tasks" value={String(estimate.tasks)} note={stops(estimate.stops)} />
      </dl>
      <p className={s.note}>
        {BASES[estimate.basis] ?? estimate.basis}{" "}
        {estimate.ai === "mock"
          ? "Mock model: no cost, placeholder output."
          : `With ${estimate.model}. Time spent waiting for people is not included.`}
      </p>
    </>
  );
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div className={s.figure}>
      <dt>{name}</dt>
      <dd>
        {value}
        <small>{note}</small>
      </dd>
    </div>
  );
}

function atOnce({ maxParallelism }: PlanEstimate): string {
  return maxParallelism > 1 ? `up to ${maxParallelism} in parallel` : "one at a time";
}

function stops(count: number): string {
  return count > 0 ? plural(count, "manual stop") : "no manual stops";
}
