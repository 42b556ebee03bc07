import { useInfiniteQuery } from "@tanstack/react-query";
import { Sparkles } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";

import { flatten } from "@/api/pages";
import { iterationsQuery } from "@/services/plans";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { ago, plural } from "@/ui/format";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";

import { isFreelyEditable, type Iteration } from "./model";
import { usePlanContext } from "./planContext";
import { Review } from "./review/Review";
import { ReviewDialog } from "./review/ReviewDialog";
import s from "./review/Reviews.module.css";
import { reviewLabel } from "./review/types";
import { appliedIndices } from "./suggestions";

/** Reviews of a plan; shows one at a time, newest first. */
export function Component() {
  const { plan } = usePlanContext();
  const [search, setSearch] = useSearchParams();
  const [isAsking, setAsking] = useState(false);
  const iterations = useInfiniteQuery(iterationsQuery(plan.id));
  const reviews = flatten(iterations.data).filter(({ kind }) => kind === "REVIEWED");
  const chosen = reviews.find(({ id }) => id === search.get("review")) ?? reviews[0];
  const choose = (id: string) => setSearch({ review: id }, { replace: true, preventScrollReset: true });
  const isEditable = isFreelyEditable(plan.status) && plan.phases.length > 0;
  const button = isEditable && (
    <Button variant={chosen ? "secondary" : "primary"} icon={Sparkles} onClick={() => setAsking(true)}>
      New review
    </Button>
  );
  return (
    <>
      {iterations.isPending && <Skeleton lines={5} height={40} />}
      {iterations.isError && (
        <ErrorState error={iterations.error} onRetry={() => void iterations.refetch()} />
      )}
      {iterations.isSuccess && !chosen && (
        <EmptyState icon={Sparkles} title="No reviews yet" {...(button ? { action: button } : {})}>
          Claude reviews the plan and makes individual suggestions. Compare each one before and after, and
          apply the ones you want.
        </EmptyState>
      )}
      {chosen && (
        <>
          <div className={s.toolbar}>
            <Select
              label="Review"
              value={chosen.id}
              onValueChange={choose}
              options={reviews.map((one) => ({ value: one.id, label: optionOf(one) }))}
            />
            {iterations.hasNextPage && (
              <Button
                size="s"
                busy={iterations.isFetchingNextPage}
                onClick={() => void iterations.fetchNextPage()}
              >
                Load more
              </Button>
            )}
            <span className={s.push}>{button}</span>
          </div>
          <Review
            key={chosen.id}
            plan={plan}
            iterationId={chosen.id}
            applied={appliedIndices(flatten(iterations.data), chosen.id)}
          />
        </>
      )}
      {isAsking && <ReviewDialog plan={plan} onClose={() => setAsking(false)} onAsked={choose} />}
    </>
  );
}

function optionOf({ request, createdAt, suggestions, status }: Iteration): string {
  const found = status === "DONE" ? plural(suggestions.length, "suggestion") : status.toLowerCase();
  return `${reviewLabel(request?.reviewType)}: ${found}, ${ago(new Date(createdAt))}`;
}
