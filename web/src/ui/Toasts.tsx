import { Suspense, useSyncExternalStore } from "react";

import { overlay } from "./overlay";
import { toast } from "./toast";

const ToastList = overlay("ToastList");

/** Renders nothing before the first message. */
export function Toasts() {
  const hasSpoken = useSyncExternalStore(toast.subscribe, toast.hasShown);
  return (
    hasSpoken && (
      <Suspense>
        <ToastList />
      </Suspense>
    )
  );
}
