/** Entry point. Small, so that all requests of the page start at once. */

import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/waiting.css";

import { prefetch } from "./api/prefetch";
import { token } from "./api/token";
import { preloadFor } from "./app/preload";
import { pageModules } from "./app/pageModules";
import { theme } from "./app/theme";

theme.apply();
// the sign-in page has no header
if (token.get() !== null) document.documentElement.dataset.signedIn = "";
const { pages: names, requests } = preloadFor(location.pathname, location.search);
for (const path of requests) prefetch.start(path);
// let the browser paint index.html first; a hidden tab never paints
if (document.hidden) go();
else requestAnimationFrame(() => setTimeout(go));

function go(): void {
  // load in sequence: evaluating all modules at once blocks the main thread
  const own = names.map((name) => pageModules[name]());
  // the router imports the same modules and reports failures
  void Promise.allSettled(own).then(() => import("./main"));
}
