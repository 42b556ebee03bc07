import { useEffect } from "react";

/** The document's title, which a screen reader reads out after a change of page. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Groundwork`;
  }, [title]);
}
