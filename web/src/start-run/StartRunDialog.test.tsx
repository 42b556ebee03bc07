import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { toProject } from "@/services/projects";
import { renderPage } from "@/testing/render";
import { anEpic, aProject } from "@/testing/samples";
import { type Call, fakeServer } from "@/testing/server";

import { StartRunDialog, type RunPreset } from "./StartRunDialog";

const ESTIMATE = { items: 2, calls: 2, inputTokens: 9_900, outputTokens: 6_000, costUsd: 0.084, seconds: 70 };
const RUNS = "/api/projects/p1/runs";

function open(preset: RunPreset, routes = {}) {
  const server = fakeServer({
    [`POST ${RUNS}/estimate`]: { json: ESTIMATE },
    [`POST ${RUNS}`]: { status: 202, json: { runId: "p1-R5" } },
    "GET /api/projects/p1/epics": { json: { items: [anEpic(1), anEpic(2)], nextToken: null } },
    ...routes,
  });
  const dialog = <StartRunDialog project={toProject(aProject())} preset={preset} onClose={() => undefined} />;
  const others = [{ path: "/projects/:projectId/runs/:runId", element: <p>The run</p> }];
  return { ...server, ...renderPage(dialog, { others }) };
}

const started = (calls: Call[]) => calls.filter((call) => call.path === RUNS);

test("the estimate and what is already there are shown, and nothing is started", async () => {
  const { calls } = open({ type: "GENERATE_STORIES" });
  expect(await screen.findByText("~$0.08")).toBeInTheDocument();
  expect(screen.getByText("2 epics, 2 calls")).toBeInTheDocument();
  expect(screen.getByText(/4 of 6 epics already have stories/)).toBeInTheDocument();
  expect(started(calls)).toHaveLength(0);
});

test("what is chosen is what is started, and the page goes to the run", async () => {
  const user = userEvent.setup();
  const { calls } = open({ type: "GENERATE_STORIES" });
  await user.click(await screen.findByRole("radio", { name: /Compact/ }));
  await user.click(screen.getByRole("radio", { name: /Replace/ }));
  await user.click(screen.getByRole("radio", { name: /Safe/ }));
  await user.type(screen.getByLabelText(/Cost limit/), "3");
  await user.click(screen.getByRole("button", { name: "Start run" }));
  expect(await screen.findByText("The run")).toBeInTheDocument();
  const options = { mode: "compact", existingBehavior: "replace", pacing: "safe", maxCostUsd: 3 };
  expect(started(calls)[0]?.body).toMatchObject({ type: "GENERATE_STORIES", options });
});

test("one epic can be chosen, and single items", async () => {
  const user = userEvent.setup();
  const { calls } = open({ type: "GENERATE_STORIES" });
  await user.click(await screen.findByRole("radio", { name: /Selected epics/ }));
  expect(screen.getByRole("button", { name: "Start run" })).toBeDisabled();
  await user.click(await screen.findByRole("checkbox", { name: /Epic 2/ }));
  await user.click(screen.getByRole("button", { name: "Start run" }));
  await waitFor(() => expect(started(calls)).toHaveLength(1));
  expect(started(calls)[0]?.body).toMatchObject({ itemIds: ["p1-E2"], epicId: null });
});

test("the same request sent again after a lost answer has the same key, another one another", async () => {
  const user = userEvent.setup();
  const lost = () => {
    throw new TypeError("Failed to fetch");
  };
  const { calls } = open({ type: "ANALYZE_CARDS" }, { [`POST ${RUNS}`]: lost });
  const start = await screen.findByRole("button", { name: "Start run" });
  await user.click(start);
  expect(await screen.findByText("The server cannot be reached.")).toBeInTheDocument();
  await user.click(start);
  await waitFor(() => expect(started(calls)).toHaveLength(2));
  await user.click(screen.getByRole("radio", { name: /Fast/ }));
  await user.click(start);
  await waitFor(() => expect(started(calls)).toHaveLength(3));
  const keys = started(calls).map((call) => call.headers.get("idempotency-key"));
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).not.toBe(keys[0]);
});

test("a run of the kind that is under way already is linked to", async () => {
  const user = userEvent.setup();
  const error = { code: "RUN_ALREADY_ACTIVE", message: "No.", details: { runId: "p1-R4" }, requestId: "q" };
  open({ type: "ANALYZE_CARDS" }, { [`POST ${RUNS}`]: { status: 409, json: { error } } });
  await user.click(await screen.findByRole("button", { name: "Start run" }));
  expect(await screen.findByRole("link", { name: "View run" })).toHaveAttribute(
    "href",
    "/projects/p1/runs/p1-R4",
  );
});

test("nothing to do is explained", async () => {
  const user = userEvent.setup();
  const error = { code: "NOTHING_TO_DO", message: "No.", details: null, requestId: "q" };
  open({ type: "GENERATE_EPICS" }, { [`POST ${RUNS}`]: { status: 422, json: { error } } });
  await user.click(await screen.findByRole("button", { name: "Start run" }));
  expect(await screen.findByText(/Analyze the cards first/)).toBeInTheDocument();
});
