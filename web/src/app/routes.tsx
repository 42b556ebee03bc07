import { createBrowserRouter, type RouteObject } from "react-router";

import { pageModules } from "./pageModules";
import { NotFound } from "./NotFound";
import { RouteError } from "./RouteError";
import { Shell } from "./Shell";
import { SignedIn } from "./SignedIn";

export const routes: RouteObject[] = [
  { path: "/sign-in", lazy: pageModules.signIn, errorElement: <RouteError /> },
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
          { index: true, lazy: pageModules.projects },
          { path: "projects/:projectId", lazy: pageModules.project },
          { path: "projects/:projectId/runs/:runId", lazy: pageModules.run },
          { path: "plans", lazy: pageModules.plans },
          {
            path: "plans/:planId",
            lazy: pageModules.plan,
            children: [
              { index: true, lazy: pageModules.editor },
              { path: "execution", lazy: pageModules.execution },
              { path: "reviews", lazy: pageModules.reviews },
              { path: "history", lazy: pageModules.history },
            ],
          },
          { path: "plan-templates", lazy: pageModules.templates },
          { path: "repositories", lazy: pageModules.repositories },
          { path: "*", element: <NotFound /> },
        ],
      },
    ],
  },
];

type Router = ReturnType<typeof createBrowserRouter>;

/** Resolves once the page's code is loaded; until then `index.html` stays visible. */
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
