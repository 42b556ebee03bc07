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
  // so that the first dialog is there at once, also when the server no longer is; not while the page itself is coming
  setTimeout(() => overlays().catch(() => undefined), OVERLAYS_AFTER_MS);
}
