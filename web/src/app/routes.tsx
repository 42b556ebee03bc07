import { createBrowserRouter, type RouteObject } from "react-router";

import { NotFound } from "./NotFound";
import { RouteError } from "./RouteError";
import { Shell } from "./Shell";
import { SignedIn } from "./SignedIn";

/** Each page is a chunk of its own: its module exports `Component`. */
export const routes: RouteObject[] = [
  { path: "/sign-in", lazy: () => import("@/signing-in/SignInPage"), errorElement: <RouteError /> },
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
          { index: true, lazy: () => import("@/projects/ProjectsPage") },
          { path: "projects/:projectId", lazy: () => import("@/projects/ProjectPage") },
          { path: "projects/:projectId/runs/:runId", lazy: () => import("@/runs/RunPage") },
          { path: "plans", lazy: () => import("@/plans/PlansPage") },
          {
            path: "plans/:planId",
            lazy: () => import("@/plans/PlanPage"),
            children: [
              { index: true, lazy: () => import("@/plans/EditorPage") },
              { path: "execution", lazy: () => import("@/executing/ExecutionPage") },
              { path: "reviews", lazy: () => import("@/plans/ReviewsPage") },
              { path: "history", lazy: () => import("@/plans/HistoryPage") },
            ],
          },
          { path: "plan-templates", lazy: () => import("@/plans/TemplatesPage") },
          { path: "repositories", lazy: () => import("@/repositories/RepositoriesPage") },
          { path: "*", element: <NotFound /> },
        ],
      },
    ],
  },
];

export function newRouter() {
  return createBrowserRouter(routes);
}
