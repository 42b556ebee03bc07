import { type RefObject, useEffect, useRef, useState } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

/**
 * What a browser does when a page is loaded, and nobody does when a script changes it: after a change of path the
 * focus is on the new page's heading, and its title, which is returned, is told.
 *
 * Nothing moves at the first load, when only the query changes, when the page keeps its heading (another part of a
 * plan, chosen by a tab that has the focus), or when a dialog has the focus.
 */
export function usePageFocus(main: RefObject<HTMLElement | null>): string {
  const { pathname } = useLocation();
  // the first page after sign-in is a change too: what had the focus is gone
  const isLoad = useNavigationType() === NavigationType.Pop;
  const seen = useRef(isLoad ? pathname : null);
  const heading = useRef<Element | null>(null);
  const [told, tell] = useState("");
  useEffect(() => {
    const page = main.current;
    if (!page) return;
    const isChange = seen.current !== pathname;
    seen.current = pathname;
    const arrive = (): boolean => {
      const found = page.querySelector<HTMLElement>("h1");
      if (!found) return false;
      if (isChange) {
        if (mayMove(page, found !== heading.current)) focus(found);
        tell(document.title);
      }
      heading.current = found;
      return true;
    };
    if (arrive()) return;
    // its data is on its way: until then what had the focus is gone, and the next Tab begins in the page
    if (isChange && mayMove(page, true)) focus(page);
    const watching = new MutationObserver(() => arrive() && watching.disconnect());
    watching.observe(page, { childList: true, subtree: true });
    return () => watching.disconnect();
  }, [pathname, main]);
  return told;
}

function mayMove(page: HTMLElement, isNew: boolean): boolean {
  const focused = document.activeElement;
  if (!focused || focused === document.body || focused === page) return true;
  return isNew && !focused.closest("[role=dialog], [role=alertdialog]");
}

function focus(element: HTMLElement): void {
  element.tabIndex = -1;
  // where the page is scrolled to is the router's to say
  element.focus({ preventScroll: true });
}
