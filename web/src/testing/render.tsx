import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { Tooltip } from "radix-ui";
import type { ReactElement } from "react";
import { createMemoryRouter, RouterProvider, type RouteObject } from "react-router";

import { newQueryClient } from "@/api/queryClient";
import { Toasts } from "@/ui/Toasts";

/** Renders what a page needs around it; `path` is the route's pattern, `at` where one is. */
export function renderPage(
  element: ReactElement,
  { path = "/", at = "/", others = [] as RouteObject[] } = {},
) {
  const router = createMemoryRouter([{ path, element }, ...others], { initialEntries: [at] });
  const queries = newQueryClient();
  queries.setDefaultOptions({ queries: { ...queries.getDefaultOptions().queries, retry: false } });
  const view = render(
    <QueryClientProvider client={queries}>
      <Tooltip.Provider>
        <RouterProvider router={router} />
        <Toasts />
      </Tooltip.Provider>
    </QueryClientProvider>,
  );
  return { ...view, router, queries };
}
