import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { renderPage } from "@/testing/render";
import { aProject, aRun } from "@/testing/samples";
import { type Call, fakeServer } from "@/testing/server";

import { Component as ProjectPage } from "./ProjectPage";

const NONE = { json: { items: [], nextToken: null } };

function open(section: string, routes = {}) {
  const server = fakeServer({
    "GET /api/projects/p1": { json: aProject() },
    "GET /api/projects/p1/runs": NONE,
    "GET /api/projects/p1/cards": NONE,
    "GET /api/projects/p1/epics": NONE,
    ...routes,
  });
  return {
    ...server,
    ...renderPage(<ProjectPage />, { path: "/projects/:projectId", at: `/projects/p1${section}` }),
  };
}

test("the counts lead to their sections, and the address keeps the section", async () => {
  const user = userEvent.setup();
  const { router } = open("");
  const epics = await screen.findByRole("link", { name: "Epics 6" });
  expect(screen.getByRole("link", { name: "Cards 40" })).toHaveAttribute("aria-current", "page");
  await user.click(epics);
  expect(router.state.location.search).toBe("?section=epics");
  expect(await screen.findByText("No epics yet")).toBeInTheDocument();
});

test("an active run is found by itself and leads to its page", async () => {
  open("", {
    "GET /api/projects/p1/runs": (call: Call) =>
      call.path.includes("active=true") ? { json: { items: [aRun()], nextToken: null } } : NONE,
  });
  const run = await screen.findByRole("link", { name: /Generate stories/ });
  expect(run).toHaveAttribute("href", "/projects/p1/runs/p1-R1");
});

test("a run is only offered where there is something to work on", async () => {
  const user = userEvent.setup();
  open("");
  await user.click(await screen.findByRole("button", { name: "Run" }));
  expect(await screen.findByRole("menuitem", { name: "Generate stories" })).not.toHaveAttribute(
    "aria-disabled",
  );
  expect(screen.getByRole("menuitem", { name: "Generate subtasks" })).toHaveAttribute(
    "aria-disabled",
    "true",
  );
});

test("the runs of the project are listed with how they ended", async () => {
  const ended = aRun({
    status: "PARTIAL",
    completedItems: 3,
    failedItems: 1,
    activeItems: 0,
    pendingItems: 0,
  });
  open("?section=runs", {
    "GET /api/projects/p1/runs": (call: Call) =>
      call.path.includes("active=true") ? NONE : { json: { items: [ended], nextToken: null } },
  });
  expect(await screen.findByText("Partial")).toBeInTheDocument();
});
