import { QueryClientProvider } from "@tanstack/react-query";
import { useState } from "react";
import type { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";

import { newQueryClient } from "@/api/queryClient";
import { Toasts } from "@/ui/Toasts";
import { Tooltips } from "@/ui/Tooltips";

export function App({ router }: { router: ReturnType<typeof createBrowserRouter> }) {
  const [queryClient] = useState(newQueryClient);
  return (
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
      <Toasts />
      <Tooltips />
    </QueryClientProvider>
  );
}
