import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";
import { readyRouter } from "./app/routes";
import { overlays } from "./ui/overlay";

const OVERLAYS_AFTER_MS = 3_000;

const root = document.getElementById("root");
if (root) {
  const router = await readyRouter();
  createRoot(root).render(
    <StrictMode>
      <App router={router} />
    </StrictMode>,
  );
  // preload dialogs after the page, so that they open at once, even offline
  setTimeout(() => overlays().catch(() => undefined), OVERLAYS_AFTER_MS);
}
