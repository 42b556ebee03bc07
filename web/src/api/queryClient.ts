import { QueryClient } from "@tanstack/react-query";

import { isRetryable } from "./errors";

/** Query cache of the dashboard. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // the local system works offline, so ignore the browser's network state
        networkMode: "always",
        retry: (failures, error) => isRetryable(error) && failures < 2,
        staleTime: 5_000,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
