import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { renderPage } from "@/testing/render";
import { aProject, aStory } from "@/testing/samples";
import { fakeServer } from "@/testing/server";

import { Component as PlansPage } from "./PlansPage";

const page = (items: unknown[]) => ({ json: { items, nextToken: null } });
const repository = { id: "r", name: "App", url: "https://github.com/example/app", defaultBranch: "main" };

function open(at: string) {
  const stories = [aStory(1, 1, { title: "Keep rides" }), aStory(1, 2, { title: "Send rides" })];
  const server = fakeServer({
    "GET /api/plans": page([]),
    "GET /api/repositories": page([repository]),
    "GET /api/plan-templates": page([]),
    "GET /api/projects": page([aProject({ counts: { cards: 1, epics: 1, stories: 2, subtasks: 0 } })]),
    "GET /api/projects/p1/stories": page(stories),
    "GET /api/stories/p1-E1-S1": { json: { ...stories[0], plans: [] } },
    "GET /api/stories/p1-E1-S2": { json: { ...stories[1], plans: [] } },
    "POST /api/plans/generate": { status: 202, json: { planId: "made", iterationId: "i", runId: "run" } },
  });
  const others = [{ path: "/plans/:planId", element: <h1>The plan</h1> }];
  return { ...server, ...renderPage(<PlansPage />, { path: "/plans", at, others }) };
}

test("a plan of one story begins with its title, and the way back is not the dialog again", async () => {
  const user = userEvent.setup();
  const { calls, router } = open("/plans?new=&stories=p1-E1-S1");
  const dialog = within(await screen.findByRole("dialog", { name: "New plan" }));
  await waitFor(() => expect(dialog.getByRole("textbox", { name: "Title" })).toHaveValue("Keep rides"));
  expect(await dialog.findByRole("checkbox", { name: /Keep rides/ })).toBeChecked();
  await user.click(dialog.getByRole("button", { name: "Generate plan" }));
  expect(await screen.findByRole("heading", { name: "The plan" })).toBeInTheDocument();
  expect(calls.find((call) => call.path === "/api/plans/generate")?.body).toMatchObject({
    title: "Keep rides",
    storyIds: ["p1-E1-S1"],
  });
  expect(router.state.historyAction).toBe("REPLACE");
});

test("a title that is typed, or emptied, is not put back", async () => {
  const user = userEvent.setup();
  open("/plans?new=&stories=p1-E1-S1");
  const title = await screen.findByRole("textbox", { name: "Title" });
  await waitFor(() => expect(title).toHaveValue("Keep rides"));
  await user.clear(title);
  expect(title).toHaveValue("");
});

test("closing the dialog takes it out of the address", async () => {
  const user = userEvent.setup();
  const { router } = open("/plans?new=&stories=p1-E1-S1,p1-E1-S2");
  const dialog = within(await screen.findByRole("dialog", { name: "New plan" }));
  expect(await dialog.findByText(/2 selected/)).toBeInTheDocument();
  expect(dialog.getByRole("textbox", { name: "Title" })).toHaveValue("");
  await user.click(await dialog.findByRole("button", { name: "Remove E1 · S2 Send rides" }));
  expect(dialog.getByText(/1 selected/)).toBeInTheDocument();
  await user.click(dialog.getByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  expect(router.state.location.search).toBe("");
});
