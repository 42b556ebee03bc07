import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactElement } from "react";
import { createMemoryRouter, RouterProvider, type RouteObject } from "react-router";

import { newQueryClient } from "@/api/queryClient";
import { Toasts } from "@/ui/Toasts";

/** Render a page with its providers; `path` is the route's pattern, `at` the current URL. */
export function renderPage(
  element: ReactElement,
  { path = "/", at = "/", others = [] as RouteObject[] } = {},
) {
  const router = createMemoryRouter([{ path, element }, ...others], { initialEntries: [at] });
  const queries = newQueryClient();
  queries.setDefaultOptions({ queries: { ...queries.getDefaultOptions().queries, retry: false } });
  const view = render(
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
      <Toasts />
    </QueryClientProvider>,
  );
  return { ...view, router, queries };
}
