import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";
import { readyRouter } from "./app/routes";
import { overlays } from "./ui/overlay";

const root = document.getElementById("root");
if (root) {
  const router = await readyRouter();
  createRoot(root).render(
    <StrictMode>
      <App router={router} />
    </StrictMode>,
  );
  whenIdle(() => overlays().catch(() => undefined));
}

/** So that the first dialog is there at once, also when the server no longer is. */
function whenIdle(task: () => unknown): void {
  const isKnown = typeof requestIdleCallback === "function"; // not in Safari
  if (isKnown) requestIdleCallback(task, { timeout: 5_000 });
  else setTimeout(task, 1_000);
}
