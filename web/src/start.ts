/** The first code that runs: small, so that what the page needs is asked for at once and all together. */

import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/waiting.css";

import { prefetch } from "./api/prefetch";
import { token } from "./api/token";
import { preloadFor } from "./app/preload";
import { pageModules } from "./app/pageModules";
import { theme } from "./app/theme";

theme.apply();
// who is not signed in is led to a page without the header
if (token.get() !== null) document.documentElement.dataset.signedIn = "";
const { pages: names, requests } = preloadFor(location.pathname, location.search);
for (const path of requests) prefetch.start(path);
// what index.html shows is painted before the rest has the processor; a hidden tab paints nothing
if (document.hidden) go();
else requestAnimationFrame(() => setTimeout(go));

function go(): void {
  // one after the other: evaluating all of it at once would keep the processor from anything else
  const own = names.map((name) => pageModules[name]());
  // the router requests for the same modules, and says what is wrong where one does not come
  void Promise.allSettled(own).then(() => import("./main"));
}
