import { useEffect } from "react";

type Pages = { hasNextPage: boolean; isFetching: boolean; isError: boolean; fetchNextPage: () => unknown };

/** Has page after page fetched until the end, while `wanted`. */
export function useAllPages({ hasNextPage, isFetching, isError, fetchNextPage }: Pages, wanted = true): void {
  useEffect(() => {
    if (wanted && hasNextPage && !isFetching && !isError) fetchNextPage();
  }, [wanted, hasNextPage, isFetching, isError, fetchNextPage]);
}
