import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, it } from "vitest";

import { FakePlanServer, renderPlan } from "@/plans/fakePlanServer";
import type { Progress, TaskProgress } from "@/plans/model";
import { aPhase, aPlan, aProgress, aTask, aTaskProgress } from "@/plans/samples";
import type { TaskCheck } from "@/services/checks";
import { aRepository, aTaskCheck } from "@/testing/samples";

const plan = aPlan([aPhase("one", [aTask("a")])], { status: "RUNNING" });
const CHECKS = "/api/plan-tasks/a/checks";

beforeEach(() => {
  window.innerWidth = 400;
});

function server(task: Partial<TaskProgress>, fields: Partial<Progress> = {}) {
  const shown = aTaskProgress("a", { title: "Write it", attempts: 1, ...task });
  return new FakePlanServer(plan, aProgress([shown], { pollAfterMs: null, ...fields }));
}

async function openTask(task: Partial<TaskProgress>, answer: () => TaskCheck[]) {
  const { calls } = renderPlan(server(task), "/execution", {
    "GET /api/plan-tasks/a/log": { json: { items: [], nextToken: null } },
    [`GET ${CHECKS}`]: () => ({ json: { items: answer(), nextToken: null } }),
  });
  await userEvent.click(await screen.findByRole("button", { name: "Write it" }));
  const panel = within(await screen.findByRole("dialog"));
  return { panel, asked: () => calls.filter(({ path }) => path.startsWith(CHECKS)).length };
}

describe("a task in the list", () => {
  it("tells what is happening", async () => {
    renderPlan(server({ status: "RUNNING", activity: "Running npm test" }), "/execution");
    expect(await screen.findByText("Running npm test")).toBeInTheDocument();
  });

  it.each([
    ["passed", "Checks passed"],
    ["failed", "Checks failed"],
    ["not_configured", "No checks"],
    ["not_run", "Not checked"],
  ] as const)("with the proof %s says “%s”", async (verified, label) => {
    renderPlan(server({ status: "COMPLETED", verified }), "/execution");
    expect(await screen.findByText(label)).toBeInTheDocument();
  });
});

describe("the panel of a task", () => {
  it("lists its checks with commit, cost and log, the latest first", async () => {
    const { panel } = await openTask({ status: "COMPLETED", verified: "passed" }, () => [
      aTaskCheck("npm test", { kind: "landing", costUsd: 0.02 }),
      aTaskCheck("npm test", { status: "failed", exitCode: 1, log: "1 failed" }),
    ]);
    const [landing, session] = await panel.findAllByRole("heading", { level: 4 });
    expect(landing).toHaveTextContent("Before landing, attempt 1");
    expect(session).toHaveTextContent("In the session, attempt 1");
    expect(panel.getByText("exit code 0, 1.5 s, $0.02")).toBeInTheDocument();
    expect(panel.getAllByText("feedc0f")).toHaveLength(2);
    expect(panel.getByRole("region", { name: "Log of npm test" })).toHaveTextContent("1 failed");
  });

  it("shows changes to tests and the reviewer’s decision", async () => {
    const { panel } = await openTask(
      { status: "COMPLETED", findings: ["12 tests ran, before it were 14"], reviewed: "Approved: moved." },
      () => [],
    );
    expect(panel.getByText("12 tests ran, before it were 14")).toBeInTheDocument();
    expect(panel.getByText("Approved: moved.")).toBeInTheDocument();
    expect(await panel.findByText("No checks were run.")).toBeInTheDocument();
  });

  it.each([
    ["not_configured", "The repository has no checks."],
    ["not_run", "Checks are turned off on this system."],
  ] as const)("says why a change landed unchecked: %s", async (verified, why) => {
    const { panel } = await openTask({ status: "COMPLETED", verified }, () => []);
    expect(await panel.findByText(why)).toBeInTheDocument();
  });

  it("follows the log of a running task", async () => {
    let log = "1 of 2";
    const running = { why: null, exitCode: null, status: "running" } as const;
    const { panel } = await openTask({ status: "RUNNING" }, () => [
      aTaskCheck("npm test", { ...running, log }),
    ]);
    expect(await panel.findByText("1 of 2")).toBeInTheDocument();
    log = "2 of 2";
    expect(await panel.findByText("2 of 2", {}, { timeout: 5_000 })).toBeInTheDocument();
  });

  it("does not poll for a task that has ended, nor when it is closed", async () => {
    const { panel, asked } = await openTask({ status: "COMPLETED" }, () => [aTaskCheck("npm test")]);
    await panel.findByText("npm test");
    await userEvent.click(panel.getByRole("button", { name: "Close" }));
    const before = asked();
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(asked()).toBe(before);
  });
});

describe("a start that the checks refuse", () => {
  const draft = new FakePlanServer({ ...plan, status: "DRAFT" });
  const repositories = { json: { items: [aRepository({ id: "lib", name: "Library" })], nextToken: null } };

  async function start(error: object) {
    renderPlan(draft, "/execution", {
      "GET /api/repositories": repositories,
      "POST /api/plans/plan/execute": { status: 409, json: { error } },
    });
    await userEvent.click(await screen.findByRole("button", { name: "Run now" }));
    const dialog = within(await screen.findByRole("dialog"));
    await userEvent.click(dialog.getByRole("button", { name: "Run plan" }));
    return within(await dialog.findByRole("alert"));
  }

  it("for a failing baseline names the repository and leads to it", async () => {
    const alert = await start({
      code: "BASELINE_FAILING",
      message: "Failing.",
      details: { repositoryId: "lib", commit: "abc" },
    });
    expect(alert.getByText(/run the baseline again/)).toBeInTheDocument();
    const link = alert.getByRole("link", { name: "Checks of Library" });
    expect(link).toHaveAttribute("href", "/repositories?checks=lib");
    await waitFor(() => expect(screen.queryByText("Action failed")).not.toBeInTheDocument());
  });

  it("without a sandbox gives the reason and the ways on", async () => {
    const reason = "No user namespaces.";
    const alert = await start({ code: "SANDBOX_UNAVAILABLE", message: "No.", details: { reason } });
    expect(alert.getByText(/No user namespaces\..*GROUNDWORK_CHECKS=off/)).toBeInTheDocument();
  });
});
