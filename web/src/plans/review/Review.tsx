import { useQuery } from "@tanstack/react-query";
import { CircleX, Sparkles } from "lucide-react";

import { type Iteration, type Plan } from "@/plans/model";
import { iterationQuery } from "@/services/plans";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { plural } from "@/ui/format";
import { MadeBy } from "@/ui/MadeBy";
import { Skeleton } from "@/ui/Skeleton";

import s from "./Reviews.module.css";
import { ReviewInProgress } from "./ReviewInProgress";
import { ScheduleEffect } from "./ScheduleEffect";
import { Suggestions } from "./Suggestions";

type Props = {
  plan: Plan;
  iterationId: string;
  /** Indices of applied suggestions. */
  applied: ReadonlySet<number>;
};

/** One review: under way, failed, or with its suggestions. */
export function Review({ plan, iterationId, applied }: Props) {
  const { data, error, refetch } = useQuery(iterationQuery(plan.id, iterationId));
  if (!data)
    return error ? (
      <ErrorState error={error} onRetry={() => void refetch()} />
    ) : (
      <Skeleton lines={6} height={40} />
    );
  if (data.status === "PENDING") return <ReviewInProgress runId={data.runId} planId={plan.id} />;
  if (data.status !== "DONE") return <UnfinishedReview iteration={data} />;
  return (
    <>
      <MadeBy madeBy={data.madeBy} />
      <ScheduleEffect schedule={data.schedule} />
      {data.suggestions.length === 0 ? (
        <EmptyState icon={Sparkles} title="No suggestions">
          This review found nothing to change.
        </EmptyState>
      ) : (
        <Suggestions plan={plan} iteration={data} applied={applied} />
      )}
      {data.dropped.length > 0 && (
        <details className={s.dropped}>
          <summary>{plural(data.dropped.length, "more suggestion")} could not be applied</summary>
          <ul>
            {data.dropped.map((reason, index) => (
              <li key={index}>{reason}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function UnfinishedReview({ iteration }: { iteration: Iteration }) {
  const isCancelled = iteration.status === "CANCELLED";
  return (
    <EmptyState icon={CircleX} title={isCancelled ? "Review cancelled" : "Review failed"}>
      {iteration.error ?? "You can start another review."}
    </EmptyState>
  );
}
