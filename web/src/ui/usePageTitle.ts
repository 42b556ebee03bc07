import { useLayoutEffect } from "react";

/** Set the document title in the same frame as the heading; both are announced after navigation. */
export function usePageTitle(title: string): void {
  useLayoutEffect(() => {
    document.title = `${title} · Groundwork`;
  }, [title]);
}
