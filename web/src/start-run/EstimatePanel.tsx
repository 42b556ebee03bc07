import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { explain } from "@/api/errors";
import { runTypeLabels } from "@/runs/labels";
import type { Project } from "@/services/projects";
import { type Estimate, estimateQuery, type RunRequest } from "@/services/runs";
import { compact, duration, money, number, plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";

import { existingResults } from "./existingResults";
import s from "./Starting.module.css";

type Props = { project: Project; request: RunRequest; enabled: boolean };

/** Estimate of the run and notice about existing results. */
export function EstimatePanel({ project, request, enabled: asked }: Props) {
  const query = useQuery({
    ...estimateQuery(project.id, request),
    enabled: asked,
    placeholderData: keepPreviousData,
  });
  const skipping = { ...request, options: { ...request.options, existingBehavior: "skip" as const } };
  const left = useQuery({
    ...estimateQuery(project.id, skipping),
    enabled: asked,
    placeholderData: keepPreviousData,
  });
  const existing = left.data ? existingResults(request, left.data.items, project.counts) : null;
  return (
    <div className={s.foot}>
      {existing && <Notice tone={existing.isDestructive ? "warning" : "info"}>{existing.text}</Notice>}
      <section className={s.estimate} aria-label="Estimate" aria-live="polite" aria-busy={query.isFetching}>
        {query.error && !query.data ? (
          <p className={s.rough}>No estimate available: {explain(query.error)}</p>
        ) : (
          <Figures estimate={query.data} type={request.type} stale={query.isPlaceholderData} />
        )}
      </section>
    </div>
  );
}

function Figures({
  estimate,
  type,
  stale,
}: {
  estimate: Estimate | undefined;
  type: RunRequest["type"];
  stale: boolean;
}) {
  const [one, many] = type === "GENERATE_EPICS" ? ["batch", "batches"] : runTypeLabels(type).source;
  const figures = [
    ["Cost", estimate ? `~${money(estimate.costUsd)}` : "–"],
    ["Time", estimate ? `~${duration(estimate.seconds * 1000)}` : "–"],
    ["Tokens", estimate ? `${compact(estimate.inputTokens)} in, ${compact(estimate.outputTokens)} out` : "–"],
    ["Work", estimate ? `${plural(estimate.items, one, many)}, ${number(estimate.calls)} calls` : "–"],
  ] as const;
  if (estimate?.items === 0 && !stale) return <p>Nothing to do.</p>;
  return (
    <>
      <dl className={s.figures}>
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className={s.rough}>{noteOn(stale ? undefined : estimate)}</p>
    </>
  );
}

function noteOn(estimate: Estimate | undefined): string {
  if (!estimate) return "Estimating…";
  return "Rough estimate, based on list prices and typical lengths.";
}
