import { QueryClientProvider } from "@tanstack/react-query";
import { Tooltip } from "radix-ui";
import { useState } from "react";
import { RouterProvider } from "react-router/dom";

import { newQueryClient } from "@/api/queryClient";
import { Toasts } from "@/ui/Toasts";

import { newRouter } from "./routes";

export function App() {
  const [queryClient] = useState(newQueryClient);
  const [router] = useState(newRouter);
  return (
    <QueryClientProvider client={queryClient}>
      <Tooltip.Provider delayDuration={350}>
        <RouterProvider router={router} />
        <Toasts />
      </Tooltip.Provider>
    </QueryClientProvider>
  );
}
