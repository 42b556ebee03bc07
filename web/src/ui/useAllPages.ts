import { useEffect } from "react";

type Pages = { hasNextPage: boolean; isFetching: boolean; isError: boolean; fetchNextPage: () => unknown };

/** Fetch all pages while `enabled`. */
export function useAllPages(
  { hasNextPage, isFetching, isError, fetchNextPage }: Pages,
  enabled = true,
): void {
  useEffect(() => {
    if (enabled && hasNextPage && !isFetching && !isError) fetchNextPage();
  }, [enabled, hasNextPage, isFetching, isError, fetchNextPage]);
}
