import { useQueryClient } from "@tanstack/react-query";
import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, expect, test, vi } from "vitest";

import { connection } from "@/api/connection";
import { projectKeys, toProject } from "@/services/projects";
import type { RunFromAPI } from "@/services/runs";
import { renderPage } from "@/testing/render";
import { anItem, aProject, aRun } from "@/testing/samples";
import { type Call, fakeServer } from "@/testing/server";

import { Component as RunPage } from "./RunPage";

const AT = { path: "/projects/:projectId/runs/:runId", at: "/projects/p1/runs/p1-R1" };
const NO_ITEMS = { json: { items: [], nextToken: null } };

afterEach(() => {
  vi.useRealTimers();
});

function serve(answer: (call: Call) => RunFromAPI | "down" | "unchanged", more = {}) {
  return fakeServer({
    "GET /api/projects/p1": { json: aProject() },
    "GET /api/projects/p1/runs": NO_ITEMS,
    "GET /api/runs/p1-R1/logs": NO_ITEMS,
    "GET /api/runs/p1-R1/progress": (call: Call) => {
      const run = answer(call);
      if (run === "down") throw new TypeError("Failed to fetch");
      if (run === "unchanged") return { status: 304 };
      const items = call.path.includes("items=true") ? [anItem(0, { status: "GENERATING" }), anItem(1)] : [];
      return { json: { ...run, items }, headers: { etag: `"${run.seq}"` } };
    },
    ...more,
  });
}

const polls = (calls: Call[]) => calls.filter((call) => call.path.includes("/progress"));

test("all items are asked for once, then only what has changed since, with the tag of the last answer", async () => {
  const { calls } = serve(() => aRun({ pollAfterMs: 500 }));
  renderPage(<RunPage />, AT);
  await waitFor(() => expect(polls(calls).length).toBeGreaterThanOrEqual(3));
  const [first, second, third] = polls(calls);
  expect(first?.path).toContain("items=true");
  expect(second?.path).toContain("since=7");
  expect(second?.headers.get("if-none-match")).toBe('"7"');
  expect(third?.path).toContain("since=7");
});

/** Comes from the project's page, on which the run was started. */
function FromProject() {
  const queries = useQueryClient();
  useState(() => queries.setQueryData(projectKeys.one("p1"), toProject(aProject())));
  return <RunPage />;
}

test("what a run has made is fetched anew though it had ended before it was first looked at", async () => {
  const { calls } = serve(() => aRun({ status: "SUCCEEDED", phase: "DONE", completedItems: 4 }));
  renderPage(<FromProject />, AT);
  await waitFor(() => expect(calls.filter((call) => call.path === "/api/projects/p1")).toHaveLength(1));
});

test("what is in flight is shown, and counted in the bar with what failed and was skipped", async () => {
  serve(() => aRun({ completedItems: 1, failedItems: 1, skippedItems: 1, activeItems: 1, totalItems: 4 }));
  renderPage(<RunPage />, AT);
  const processing = (await screen.findByText("Currently processing")).closest("section");
  expect(within(processing as HTMLElement).getByText("Epic 1")).toBeInTheDocument();
  const bar = screen.getByRole("progressbar", { name: "Run progress" });
  expect(bar).toHaveAttribute("aria-valuetext", "1 of 4 done, 1 skipped, 1 failed, 1 in progress");
});

test("elapsed time goes on each second without an answer", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  serve(() => aRun({ elapsedMs: 65_000, pollAfterMs: 60_000 }));
  renderPage(<RunPage />, AT);
  const timer = await screen.findByRole("timer");
  const before = timer.textContent;
  await vi.advanceTimersByTimeAsync(3_000);
  expect(before).toMatch(/^1:0\d$/);
  expect(timer.textContent).not.toBe(before);
});

test("a lost connection leaves what is known in sight, and the page goes on when it is back", async () => {
  let up = true;
  let text = "Before";
  serve(() => (up ? aRun({ pollAfterMs: 500, phaseDetail: text }) : "down"));
  renderPage(<RunPage />, AT);
  expect(await screen.findByText("Before")).toBeInTheDocument();
  up = false;
  await waitFor(() => expect(connection.isReachable()).toBe(false));
  expect(screen.getByText("Before")).toBeInTheDocument();
  [up, text] = [true, "After"];
  expect(await screen.findByText("After")).toBeInTheDocument();
});

test("a run that is unchanged is not drawn anew and stays in sight", async () => {
  let asked = 0;
  const { calls } = serve(() => (asked++ === 0 ? aRun({ pollAfterMs: 500 }) : "unchanged"));
  renderPage(<RunPage />, AT);
  await waitFor(() => expect(polls(calls).length).toBeGreaterThanOrEqual(3));
  expect(screen.getByText("Generate stories")).toBeInTheDocument();
});

test("a stale run says so", async () => {
  serve(() => aRun({ stale: true }));
  renderPage(<RunPage />, AT);
  expect(await screen.findByText("This run is not responding")).toBeInTheDocument();
});

test("cancelling asks first", async () => {
  const user = userEvent.setup();
  const { calls } = serve(() => aRun(), {
    "POST /api/runs/p1-R1/cancel": { json: aRun({ status: "CANCELLED" }) },
  });
  renderPage(<RunPage />, AT);
  await user.click(await screen.findByRole("button", { name: "Cancel run" }));
  expect(calls.some((call) => call.method === "POST")).toBe(false);
  const dialog = within(await screen.findByRole("alertdialog", { name: "Cancel this run?" }));
  await user.click(dialog.getByRole("button", { name: "Cancel run" }));
  await waitFor(() => expect(calls.some((call) => call.path === "/api/runs/p1-R1/cancel")).toBe(true));
});

test("the failed items of a run that has ended are retried, and the page goes to the new run", async () => {
  const user = userEvent.setup();
  const ended = aRun({ status: "PARTIAL", failedItems: 2, activeItems: 0, pollAfterMs: 60_000 });
  serve(() => ended, { "POST /api/runs/p1-R1/retry": { status: 202, json: { runId: "p1-R2" } } });
  const { router } = renderPage(<RunPage />, AT);
  await user.click(await screen.findByRole("button", { name: "Retry 2 failed items" }));
  await waitFor(() => expect(router.state.location.pathname).toBe("/projects/p1/runs/p1-R2"));
});

test("a run that is not there says so and is not asked for again", async () => {
  const { calls } = fakeServer({});
  renderPage(<RunPage />, AT);
  expect(await screen.findByText("Could not load this run")).toBeInTheDocument();
  expect(polls(calls)).toHaveLength(1);
});
