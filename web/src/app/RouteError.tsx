import { useRouteError } from "react-router";

import { Button } from "@/ui/Button";
import { ErrorState } from "@/ui/ErrorState";

/** A page that threw, or whose code could not be loaded. */
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
