import { type ComponentProps, lazy, Suspense } from "react";

import { Skeleton } from "@/ui/Skeleton";

const PlanGraph = lazy(() => import("./PlanGraph"));

/** Lazily loaded graph. */
export function LazyPlanGraph(props: ComponentProps<typeof PlanGraph>) {
  return (
    <Suspense fallback={<Skeleton lines={6} height={40} />}>
      <PlanGraph {...props} />
    </Suspense>
  );
}
