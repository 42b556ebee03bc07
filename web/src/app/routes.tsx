import { createBrowserRouter, type RouteObject } from "react-router";

import { code } from "./code";
import { NotFound } from "./NotFound";
import { RouteError } from "./RouteError";
import { Shell } from "./Shell";
import { SignedIn } from "./SignedIn";

export const routes: RouteObject[] = [
  { path: "/sign-in", lazy: code.signIn, errorElement: <RouteError /> },
  {
    element: (
      <SignedIn>
        <Shell />
      </SignedIn>
    ),
    errorElement: <RouteError />,
    HydrateFallback: () => null,
    children: [
      {
        errorElement: <RouteError />,
        children: [
          { index: true, lazy: code.projects },
          { path: "projects/:projectId", lazy: code.project },
          { path: "projects/:projectId/runs/:runId", lazy: code.run },
          { path: "plans", lazy: code.plans },
          {
            path: "plans/:planId",
            lazy: code.plan,
            children: [
              { index: true, lazy: code.editor },
              { path: "execution", lazy: code.execution },
              { path: "reviews", lazy: code.reviews },
              { path: "history", lazy: code.history },
            ],
          },
          { path: "plan-templates", lazy: code.templates },
          { path: "repositories", lazy: code.repositories },
          { path: "*", element: <NotFound /> },
        ],
      },
    ],
  },
];

type Router = ReturnType<typeof createBrowserRouter>;

/** A router that has the page's code: until then what `index.html` shows stays. */
export async function readyRouter(): Promise<Router> {
  const router = createBrowserRouter(routes);
  if (!router.state.initialized) {
    await new Promise<void>((resolve) => {
      const leave = router.subscribe(({ initialized }) => {
        if (!initialized) return;
        leave();
        resolve();
      });
    });
  }
  return router;
}
