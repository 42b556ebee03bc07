import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";

import { toProject } from "@/services/projects";
import { renderPage } from "@/testing/render";
import { aCard, anEpic, aProject, aStory, aSubtask } from "@/testing/samples";
import { type Call, fakeServer } from "@/testing/server";

import { BacklogSection } from "./BacklogSection";

const page = (items: unknown[]) => ({ json: { items, nextToken: null } });

beforeEach(() => {
  // nothing has a size in jsdom, and a list draws only what is in sight
  vi.spyOn(window, "innerHeight", "get").mockReturnValue(2_000);
});

function open(routes = {}) {
  const server = fakeServer({
    "GET /api/projects/p1/epics": page([anEpic(1, { cardIds: ["p1-C1"] }), anEpic(2)]),
    "GET /api/epics/p1-E1/stories": page([aStory(1, 1)]),
    "GET /api/stories/p1-E1-S1/subtasks": page([aSubtask("E1-S1", 1)]),
    "GET /api/epics/p1-E1": { json: anEpic(1, { cardIds: ["p1-C1"] }) },
    "GET /api/cards/p1-C1": { json: aCard(1, { text: "It is slow" }) },
    ...routes,
  });
  renderPage(<BacklogSection project={toProject(aProject())} root="epics" onRun={() => undefined} />);
  return server;
}

test("an epic opens to its stories, a story to its subtasks, each fetched when it is opened", async () => {
  const user = userEvent.setup();
  const { calls } = open();
  const epic = await screen.findByRole("button", { name: "Stories of E1 Epic 1" });
  expect(epic).toHaveAttribute("aria-expanded", "false");
  expect(calls.some((call) => call.path.includes("stories"))).toBe(false);
  await user.click(epic);
  await user.click(await screen.findByRole("button", { name: "Subtasks of S1 Story 1" }));
  expect(await screen.findByText("Subtask 1")).toBeInTheDocument();
});

test("a title is edited where it stands, and the cards behind it are told", async () => {
  const user = userEvent.setup();
  const { calls } = open({ "PATCH /api/epics/p1-E1": { json: anEpic(1) } });
  await user.click(await screen.findByRole("button", { name: "Epic 1" }));
  const panel = await screen.findByRole("dialog");
  expect(await within(panel).findByText("It is slow")).toBeInTheDocument();
  await user.click(within(panel).getByRole("button", { name: "Edit title: Epic 1" }));
  await user.keyboard("Faster starts{Enter}");
  await waitFor(() => {
    const patch = calls.find((call: Call) => call.method === "PATCH");
    expect(patch?.body).toEqual({ title: "Faster starts" });
  });
});

test("Escape leaves a field as it was and the panel open", async () => {
  const user = userEvent.setup();
  const { calls } = open();
  await user.click(await screen.findByRole("button", { name: "Epic 1" }));
  await user.click(await screen.findByRole("button", { name: "Edit title: Epic 1" }));
  await user.keyboard("Something else{Escape}");
  expect(await screen.findByRole("button", { name: "Edit title: Epic 1" })).toHaveFocus();
  expect(calls.some((call) => call.method === "PATCH")).toBe(false);
});

test("what is refused stays in the field, and the reason is told", async () => {
  const user = userEvent.setup();
  const error = {
    code: "BACKLOG_IN_USE",
    message: "An active run works on this.",
    details: null,
    requestId: "q",
  };
  open({ "PATCH /api/epics/p1-E1": { status: 409, json: { error } } });
  await user.click(await screen.findByRole("button", { name: "Epic 1" }));
  await user.click(await screen.findByRole("button", { name: "Edit title: Epic 1" }));
  await user.keyboard("Faster starts{Enter}");
  expect(await screen.findByText("An active run works on this.")).toBeInTheDocument();
  expect(screen.getByRole("textbox", { name: "title" })).toHaveValue("Faster starts");
});

test("deleting asks first and says what goes along", async () => {
  const user = userEvent.setup();
  const { calls } = open({ "DELETE /api/epics/p1-E1": { status: 204 } });
  await user.click(await screen.findByRole("button", { name: "Actions for E1 Epic 1" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete" }));
  expect(await screen.findByText(/also deletes its stories and their subtasks/)).toBeInTheDocument();
  expect(calls.some((call) => call.method === "DELETE")).toBe(false);
  await user.click(screen.getByRole("button", { name: "Delete epic" }));
  await waitFor(() => expect(calls.some((call) => call.method === "DELETE")).toBe(true));
});

test("without epics the page says what they are and how to come to some", async () => {
  open({ "GET /api/projects/p1/epics": page([]) });
  expect(await screen.findByText("No epics yet")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Generate epics" })).toBeEnabled();
});

test("a list that cannot be loaded says why and can be tried again", async () => {
  const user = userEvent.setup();
  let down = true;
  open({
    "GET /api/projects/p1/epics": () => {
      if (down) throw new TypeError("Failed to fetch");
      return page([anEpic(1)]);
    },
  });
  expect(await screen.findByText("The server cannot be reached.")).toBeInTheDocument();
  down = false;
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("button", { name: "Epic 1" })).toBeInTheDocument();
});

function openStories(at = "/projects/p1?section=stories") {
  fakeServer({
    "GET /api/projects/p1/stories": page([aStory(1, 1), aStory(1, 2)]),
    "GET /api/stories/p1-E1-S2": {
      json: {
        ...aStory(1, 2),
        plans: [
          {
            planId: "plan1",
            title: "Rides are kept",
            status: "RUNNING",
            version: 3,
            progress: 50,
            counts: { COMPLETED: 1, RUNNING: 1 },
            tasks: [
              { taskId: "plan1-T1", key: "a", title: "A", subtaskId: null, status: "COMPLETED" },
              { taskId: "plan1-T2", key: "b", title: "B", subtaskId: null, status: "RUNNING" },
            ],
          },
        ],
      },
    },
  });
  return renderPage(
    <BacklogSection project={toProject(aProject())} root="stories" onRun={() => undefined} />,
    { path: "/projects/:projectId", at, others: [{ path: "/plans", element: <h1>Plans</h1> }] },
  );
}

test("a story leads to a plan of it, from its row", async () => {
  const user = userEvent.setup();
  const { router } = openStories();
  await user.click(await screen.findByRole("button", { name: "Actions for S1 Story 1" }));
  await user.click(await screen.findByRole("menuitem", { name: "Create plan" }));
  expect(await screen.findByRole("heading", { name: "Plans" })).toBeInTheDocument();
  expect(new URLSearchParams(router.state.location.search).get("stories")).toBe("p1-E1-S1");
});

test("stories that are chosen lead to one plan of all of them", async () => {
  const user = userEvent.setup();
  const { router } = openStories();
  await user.click(await screen.findByRole("checkbox", { name: "Select E1 · S1 Story 1" }));
  expect(screen.getByRole("button", { name: "Create plan" })).toBeEnabled();
  await user.click(screen.getByRole("checkbox", { name: "Select E1 · S2 Story 2" }));
  await user.click(screen.getByRole("button", { name: "Create plan" }));
  expect(await screen.findByRole("heading", { name: "Plans" })).toBeInTheDocument();
  expect(new URLSearchParams(router.state.location.search).get("stories")).toBe("p1-E1-S1,p1-E1-S2");
});

test("a link names a story to open, and it says how far its plan is", async () => {
  const user = userEvent.setup();
  const { router } = openStories("/projects/p1?section=stories&show=p1-E1-S2");
  const panel = within(await screen.findByRole("dialog", { name: "Story E1 · S2" }));
  expect(await panel.findByRole("link", { name: "Rides are kept" })).toHaveAttribute(
    "href",
    "/plans/plan1/execution",
  );
  expect(panel.getByText("50% of 2 tasks done")).toBeInTheDocument();
  await user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
  expect(router.state.location.search).toBe("?section=stories");
});
