/** The first code that runs: small, so that what the page needs is asked for at once and all together. */

import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/waiting.css";

import { early } from "./api/early";
import { token } from "./api/token";
import { beginningOf } from "./app/beginnings";
import { code } from "./app/code";
import { theme } from "./app/theme";

theme.apply();
// who is not signed in is led to a page without the header
if (token.get() !== null) document.documentElement.dataset.signedIn = "";
const { code: names, asks } = beginningOf(location.pathname, location.search);
for (const path of asks) early.ask(path);
// what index.html shows is painted before the rest has the processor; a hidden tab paints nothing
if (document.hidden) go();
else requestAnimationFrame(() => setTimeout(go));

function go(): void {
  // one after the other: evaluating all of it at once would keep the processor from anything else
  const own = names.map((name) => code[name]());
  // the router asks for the same modules, and says what is wrong where one does not come
  void Promise.allSettled(own).then(() => import("./main"));
}
