import { useRouteError } from "react-router";

import { Button } from "@/ui/Button";
import { ErrorState } from "@/ui/ErrorState";

/** Error page for exceptions and failed chunk loads. */
export function RouteError() {
  const error = useRouteError();
  return (
    <main style={{ padding: "var(--s6) var(--s4)" }}>
      <ErrorState
        isPage
        title="This page failed"
        error={error}
        action={<Button onClick={() => window.location.reload()}>Reload page</Button>}
      />
    </main>
  );
}
