import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";

import type { Progress, TaskProgress } from "@/plans/model";
import { FakePlanServer, renderPlan } from "@/plans/fakePlanServer";
import { aPhase, aPlan, aProgress, aTask, aTaskProgress } from "@/plans/samples";

const plan = aPlan([aPhase("one", [aTask("a"), aTask("b", ["a"])])], { status: "RUNNING" });

// on a phone's width the list comes first, and the graph's code is not asked for
beforeEach(() => {
  window.innerWidth = 400;
});

function server(tasks: TaskProgress[], fields: Partial<Progress> = {}) {
  return new FakePlanServer(plan, aProgress(tasks, { pollAfterMs: null, ...fields }));
}

const task = (fields: Partial<TaskProgress>) => aTaskProgress("a", { title: "Write it", ...fields });
const b = aTaskProgress("b", { title: "Ship it" });

describe("what waits for a person", () => {
  it("stands on top, and can be approved there", async () => {
    const { sent } = renderPlan(server([task({ status: "AWAITING_APPROVAL" }), b]), "/execution", {
      "POST /api/plan-tasks/a/approve": { json: {} },
    });
    const waiting = within(await screen.findByRole("status", { name: "Needs attention" }));
    expect(waiting.getByRole("heading", { name: "Write it" })).toBeInTheDocument();
    await userEvent.click(waiting.getByRole("button", { name: "Approve" }));
    await waitFor(() => expect(sent("POST", "/api/plan-tasks/a/approve")).toHaveLength(1));
  });

  it("is a failed task with its reason, to be tried again, done by hand or skipped with what depends on it", async () => {
    const failed = task({ status: "FAILED", attempts: 3, errorMsg: "The tests fail." });
    const { sent } = renderPlan(server([failed, b], { status: "PAUSED", cause: "failure" }), "/execution", {
      "POST /api/plan-tasks/a/skip": { json: {} },
    });
    const waiting = within(await screen.findByRole("status", { name: "Needs attention" }));
    expect(waiting.getByText("The tests fail.")).toBeInTheDocument();
    expect(waiting.getByRole("button", { name: "Retry" })).toBeInTheDocument();
    const user = userEvent.setup();
    await user.click(waiting.getByRole("button", { name: "Skip…" }));
    await user.click(await screen.findByRole("radio", { name: /Run them/ }));
    await user.click(screen.getByRole("button", { name: "Skip task" }));
    await waitFor(() =>
      expect(sent("POST", "/api/plan-tasks/a/skip")[0]?.body).toEqual({ dependents: "run" }),
    );
  });

  it("is not there while tasks simply run", async () => {
    renderPlan(server([task({ status: "RUNNING" }), b]), "/execution");
    expect(await screen.findByRole("button", { name: "Pause" })).toBeInTheDocument();
    expect(screen.queryByRole("status", { name: "Needs attention" })).not.toBeInTheDocument();
  });
});

it("completes a task by hand with a commit only if that is one", async () => {
  const { sent } = renderPlan(
    server([task({ status: "FAILED" }), b], { status: "PAUSED", cause: "failure" }),
    "/execution",
    {
      "POST /api/plan-tasks/a/complete": { json: {} },
    },
  );
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Complete manually…" }));
  await user.type(await screen.findByLabelText("Commit"), "not a sha");
  expect(screen.getByRole("button", { name: "Complete task" })).toBeDisabled();
  await user.clear(screen.getByLabelText("Commit"));
  await user.type(screen.getByLabelText("Commit"), "ABC1234");
  await user.click(screen.getByRole("button", { name: "Complete task" }));
  await waitFor(() =>
    expect(sent("POST", "/api/plan-tasks/a/complete")[0]?.body).toEqual({ commitSha: "abc1234", note: null }),
  );
});

it("names what was built on a task before its commit is taken back", async () => {
  const done = { status: "COMPLETED", commitSha: "abc1234" } as const;
  const { sent } = renderPlan(
    server([task(done), aTaskProgress("b", { ...done, title: "Ship it" })], { status: "COMPLETED" }),
    "/execution",
    {
      "POST /api/plans/plan/rollback": { status: 202, json: {} },
      "GET /api/plan-tasks/a/log": { json: { items: [], nextToken: null } },
    },
  );
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Write it" }));
  await user.click(await screen.findByRole("button", { name: "Roll back…" }));
  expect(await screen.findByText(/depend on it and are rolled back first/)).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Roll back" }));
  await waitFor(() =>
    expect(sent("POST", "/api/plans/plan/rollback")[0]?.body).toEqual({ taskId: "a", dependents: "include" }),
  );
});

it("reads a task's log to its end, and afterwards only on from its last page", async () => {
  const line = (turn: number) => ({
    at: "2026-11-21T10:00:00.000Z",
    turn,
    tools: [],
    files: [],
    message: `Turn ${turn}.`,
    spent: {},
  });
  let last = [line(3)];
  const { calls, queries } = renderPlan(
    server([task({ status: "COMPLETED", attempts: 1 }), b]),
    "/execution",
    {
      "GET /api/plan-tasks/a/log": ({ path }) => ({
        json: path.includes("nextToken=t2")
          ? { items: last, nextToken: null }
          : { items: [line(1), line(2)], nextToken: "t2" },
      }),
    },
  );
  await userEvent.click(await screen.findByRole("button", { name: "Write it" }));
  expect(await screen.findByText("Turn 3.")).toBeInTheDocument();
  const before = calls.length;
  last = [line(3), line(4)];
  await queries.refetchQueries({ queryKey: ["plan-tasks", "a", "log"] });
  expect(await screen.findByText("Turn 4.")).toBeInTheDocument();
  expect(screen.getAllByText(/^Turn \d\.$/)).toHaveLength(4);
  const asked = calls.slice(before).filter((call) => call.path.includes("/log"));
  expect(asked.every((call) => call.path.includes("nextToken=t2"))).toBe(true);
});
