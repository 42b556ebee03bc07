import { useQuery } from "@tanstack/react-query";

import { explain } from "@/api/errors";
import { estimateQuery } from "@/services/plans";
import { compact, duration, money, plural } from "@/ui/format";
import { Skeleton } from "@/ui/Skeleton";

import s from "./forms.module.css";
import type { Plan, PlanEstimate } from "./model";

const BASES: Record<string, string> = {
  measured: "As tasks of this size have taken in this repository.",
  mixed: "Partly as measured in this repository, partly assumed.",
  assumed: "Assumed: nothing has been measured in this repository yet.",
};

/** What carrying out the plan would take, for the tasks that have not ended. */
export function EstimateFigures({ plan }: { plan: Plan }) {
  const { data, error } = useQuery(estimateQuery(plan.id, plan.version));
  if (error) return <p className={s.error}>There is no estimate: {explain(error)}</p>;
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
        <Figure name="Tokens" value={compact(tokens)} note={`${compact(estimate.outputTokens)} written`} />
        <Figure name="Tasks" value={String(estimate.tasks)} note={stops(estimate.stops)} />
      </dl>
      <p className={s.note}>
        {BASES[estimate.basis] ?? estimate.basis}{" "}
        {estimate.ai === "mock"
          ? "The mock model is in use: nothing is spent, and nothing clever is written."
          : `With ${estimate.model}. The time people take to approve is not counted.`}
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
  return maxParallelism > 1 ? `${maxParallelism} at once at most` : "one after the other";
}

function stops(count: number): string {
  return count > 0 ? `${plural(count, "stop")} for a person` : "no stops";
}
