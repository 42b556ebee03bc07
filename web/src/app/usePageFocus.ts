import { type RefObject, useEffect, useRef, useState } from "react";
import { NavigationType, useLocation, useNavigationType } from "react-router";

/**
 * Moves the focus to the heading after a path change and returns the title to announce, as a browser does on page load.
 *
 * The focus stays on first load, on query changes, if the heading stays (tabs of a plan), and inside dialogs.
 */
export function usePageFocus(main: RefObject<HTMLElement | null>): string {
  const { pathname } = useLocation();
  // the first page after sign-in is a change too: the focused element is gone
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
    // data is still loading: focus the page so that the next Tab starts inside it
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
  // the router controls scrolling
  element.focus({ preventScroll: true });
}
