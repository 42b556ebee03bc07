import { useInfiniteQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";

import { flatten } from "@/api/pages";
import { iterationsQuery } from "@/services/plans";
import { Button } from "@/ui/Button";
import { ErrorState } from "@/ui/ErrorState";
import { Skeleton } from "@/ui/Skeleton";

import { Compare } from "./history/Compare";
import s from "./history/History.module.css";
import { IterationRow } from "./history/IterationRow";
import { usePlanContext } from "./planContext";

/** History of a plan, newest first. Versions can be viewed, compared and restored. */
export function Component() {
  const { plan } = usePlanContext();
  const [search, setSearch] = useSearchParams();
  const iterations = useInfiniteQuery(iterationsQuery(plan.id));
  const items = flatten(iterations.data);
  const open = search.get("open");
  const set = (name: string, value: string | null) =>
    setSearch(
      (now) => {
        if (value === null) now.delete(name);
        else now.set(name, value);
        return now;
      },
      { replace: true, preventScrollReset: true },
    );
  if (iterations.isPending) return <Skeleton lines={6} height={48} />;
  if (iterations.isError && items.length === 0) {
    return <ErrorState error={iterations.error} onRetry={() => void iterations.refetch()} />;
  }
  return (
    <div className={s.page}>
      {plan.version > 1 && (
        <Compare plan={plan} from={number(search.get("from"))} to={number(search.get("to"))} onChange={set} />
      )}
      <ol className={s.iterations}>
        {items.map((iteration) => (
          <IterationRow
            key={iteration.id}
            plan={plan}
            iteration={iteration}
            isOpen={open === iteration.id}
            onToggle={() => set("open", open === iteration.id ? null : iteration.id)}
          />
        ))}
      </ol>
      {iterations.hasNextPage && (
        <Button busy={iterations.isFetchingNextPage} onClick={() => void iterations.fetchNextPage()}>
          Load more
        </Button>
      )}
    </div>
  );
}

function number(text: string | null): number | null {
  const value = Number(text);
  return text && Number.isInteger(value) && value > 0 ? value : null;
}
