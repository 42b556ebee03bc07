import { useLayoutEffect } from "react";

/** The document's title. It is there as soon as the page's heading is: both are told after a change of page. */
export function usePageTitle(title: string): void {
  useLayoutEffect(() => {
    document.title = `${title} · Groundwork`;
  }, [title]);
}
