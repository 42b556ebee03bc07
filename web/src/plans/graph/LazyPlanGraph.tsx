import { type ComponentProps, lazy, Suspense } from "react";

import { Skeleton } from "@/ui/Skeleton";

const PlanGraph = lazy(() => import("./PlanGraph"));

/** The graph, whose code comes when it is looked at for the first time. */
export function LazyPlanGraph(props: ComponentProps<typeof PlanGraph>) {
  return (
    <Suspense fallback={<Skeleton lines={6} height={40} />}>
      <PlanGraph {...props} />
    </Suspense>
  );
}
