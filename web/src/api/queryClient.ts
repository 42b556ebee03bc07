import { QueryClient } from "@tanstack/react-query";

import { isRetryable } from "./errors";

/** The one cache of the page. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // the local system is there without any network, whatever the browser thinks
        networkMode: "always",
        retry: (failures, error) => isRetryable(error) && failures < 2,
        staleTime: 5_000,
      },
      mutations: { networkMode: "always", retry: false },
    },
  });
}
