import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import { createMemoryRouter, RouterProvider } from "react-router";
import { expect, test, vi } from "vitest";

import { prefetch } from "@/api/prefetch";
import { newQueryClient } from "@/api/queryClient";
import { token } from "@/api/token";
import { aPhase, aPlan, aProgress, aTask, aTaskProgress } from "@/plans/samples";
import { anItem, aProject, aRun } from "@/testing/samples";
import { fakeServer } from "@/testing/server";

import { preloadFor } from "./preload";
import { routes } from "./routes";

const PAGES = [
  "/",
  "/projects/p1",
  "/projects/p1?section=epics",
  "/projects/p1?section=stories",
  "/projects/p1?section=subtasks",
  "/projects/p1?section=imports",
  "/projects/p1?section=runs",
  "/projects/p1/runs/p1-R1",
  "/plans",
  "/plans?repository=r1",
  "/plans/plan",
  "/plans/plan/execution",
  "/plans/plan/reviews",
  "/plans/plan/history",
  "/plan-templates",
  "/repositories",
];

const plan = aPlan([aPhase("one", [aTask("a")])]);
const page = { json: { items: [], nextToken: null } };
const ANSWERS = {
  "GET /api/projects": page,
  "GET /api/projects/p1": { json: aProject() },
  "GET /api/projects/p1/runs": page,
  "GET /api/projects/p1/cards": page,
  "GET /api/projects/p1/epics": page,
  "GET /api/projects/p1/stories": page,
  "GET /api/projects/p1/subtasks": page,
  "GET /api/runs/p1-R1/progress": { json: { ...aRun(), items: [anItem(0)] } },
  "GET /api/runs/p1-R1/logs": page,
  "GET /api/plans": page,
  "GET /api/plans/plan": { json: plan },
  "GET /api/plans/plan/progress": { json: aProgress([aTaskProgress("a")], { status: plan.status }) },
  "GET /api/plans/plan/iterations": page,
  "GET /api/plan-templates": page,
  "GET /api/repositories": page,
};

test.each(PAGES)("%s sends each preloaded request exactly once", async (path) => {
  token.set("secret");
  const { calls } = fakeServer(ANSWERS);
  const { pathname, search } = new URL(path, "http://localhost");
  const { pages, requests } = preloadFor(pathname, search);
  for (const ask of requests) prefetch.start(ask);
  expect(pages).not.toEqual([]);
  const router = createMemoryRouter(routes, { initialEntries: [path] });
  const { unmount } = render(
    <QueryClientProvider client={newQueryClient()}>
      <RouterProvider router={router} />
    </QueryClientProvider>,
  );
  await vi.waitFor(() => expect(prefetch.pendingPaths()).toEqual([]), { timeout: 15_000 });
  unmount();
  for (const ask of requests) expect(calls.filter((call) => call.path === ask)).toHaveLength(1);
});

test("an address that is no page's begins with nothing", () => {
  expect(preloadFor("/nowhere/at/all", "")).toEqual({ pages: [], requests: [] });
});
