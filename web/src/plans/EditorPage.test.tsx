import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";

import { aProject, aStory } from "@/testing/samples";

import { FakePlanServer, renderPlan } from "./fakePlanServer";
import { aPhase, aPlan, aTask } from "./samples";

const plan = aPlan([
  aPhase("one", [aTask("a", [], { title: "Alpha" }), aTask("b", ["a"], { title: "Beta" })], {
    title: "Build",
  }),
  aPhase("two", [aTask("c", [], { title: "Gamma" }), aTask("d", ["c"], { title: "Delta" })], {
    title: "Ship",
    mode: "sequential",
  }),
]);

async function opened(name: RegExp) {
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name }));
  return { user, panel: within(await screen.findByRole("dialog")) };
}

describe("a task moved with the arrow keys", () => {
  it("goes on into the next phase, and the request says where, against the version that is shown", async () => {
    const { sent } = renderPlan(new FakePlanServer(plan));
    const user = userEvent.setup();
    (await screen.findByRole("button", { name: /^Move Beta/ })).focus();
    await user.keyboard("{ArrowDown}");
    await waitFor(() => expect(sent("PATCH", "/api/plan-tasks/b")).toHaveLength(1));
    const [call] = sent("PATCH", "/api/plan-tasks/b");
    expect(call?.body).toEqual({ phaseId: "two", position: 0 });
    expect(call?.headers.get("if-match")).toBe('"1"');
    expect(screen.getByText(/Beta: phase Ship, position 1 of 3/)).toBeInTheDocument();
  });

  it("stays where what it waits for would come after it, and nothing is asked", async () => {
    const { sent } = renderPlan(new FakePlanServer(plan));
    const user = userEvent.setup();
    (await screen.findByRole("button", { name: /^Move Delta/ })).focus();
    await user.keyboard("{ArrowUp}");
    expect(await screen.findByText("Cannot move here")).toBeInTheDocument();
    expect(screen.getByText("Not moved. “Gamma” comes after “Delta” in its phase.")).toBeInTheDocument();
    expect(sent("PATCH", "/api/plan-tasks/d")).toEqual([]);
  });
});

describe("cost limit, model and review", () => {
  it("are set for one task", async () => {
    const { sent } = renderPlan(new FakePlanServer(plan));
    const { user, panel } = await opened(/^Alpha/);
    await user.type(panel.getByLabelText("Cost limit (US$)"), "2.5");
    await user.type(panel.getByLabelText("Model"), "claude-x");
    await user.click(panel.getByRole("combobox", { name: "Review of the change" }));
    await user.click(await screen.findByRole("option", { name: "Yes" }));
    await user.click(panel.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent("PATCH", "/api/plan-tasks/a")).toHaveLength(1));
    expect(sent("PATCH", "/api/plan-tasks/a")[0]?.body).toEqual({
      maxCostUsd: 2.5,
      model: "claude-x",
      review: true,
    });
  });

  it("of a plan in execution are read-only but for the limit, so that it can go on", async () => {
    const paused = new FakePlanServer({ ...plan, status: "PAUSED", maxCostUsd: 1 });
    const { sent } = renderPlan(paused, "", { "PATCH /api/plans/plan": { json: paused.plan } });
    const { user, panel } = await opened(/details/i);
    const limit = panel.getByLabelText("Cost limit (US$)");
    expect(panel.getByLabelText("Title")).toBeDisabled();
    await user.clear(limit);
    await user.type(limit, "5");
    await user.click(panel.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent("PATCH", "/api/plans/plan")[0]?.body).toEqual({ maxCostUsd: 5 }));
  });
});

describe("a task edited in its panel", () => {
  it("sends only what was changed", async () => {
    const { sent } = renderPlan(new FakePlanServer(plan));
    const { user, panel } = await opened(/^Alpha/);
    await user.type(panel.getByLabelText("Description"), "Read it.");
    await user.click(panel.getByRole("radio", { name: "XL" }));
    await user.click(panel.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    expect(sent("PATCH", "/api/plan-tasks/a").map((call) => call.body)).toEqual([
      { description: "Read it.", effort: "XL" },
    ]);
  });

  it("keeps what is typed when somebody else was faster, shows both, and saves what is chosen", async () => {
    const server = new FakePlanServer(plan);
    const { sent } = renderPlan(server);
    const { user, panel } = await opened(/^Alpha/);
    await user.type(panel.getByLabelText("Description"), "Mine");
    server.changedByOthers("a", { description: "Theirs" });
    await user.click(panel.getByRole("button", { name: "Save" }));
    expect(await panel.findByText("Theirs", { selector: "dd" })).toBeInTheDocument();
    expect(panel.getByLabelText("Description")).toHaveValue("Mine");
    expect(panel.getByRole("button", { name: "Save" })).toBeDisabled();
    await user.click(panel.getByRole("button", { name: "Keep yours" }));
    await user.click(panel.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(server.plan.phases[0]?.tasks[0]?.description).toBe("Mine"));
    expect(sent("PATCH", "/api/plan-tasks/a").map((call) => call.headers.get("if-match"))).toEqual([
      '"1"',
      '"2"',
    ]);
  });

  it("is still there, marked as not saved, after its panel was closed", async () => {
    renderPlan(new FakePlanServer(plan));
    const { user, panel } = await opened(/^Alpha/);
    await user.type(panel.getByLabelText("Description"), "Half a");
    await user.click(panel.getByRole("button", { name: "Close" }));
    expect(await screen.findByText("Unsaved")).toBeInTheDocument();
    const again = await opened(/^Alpha/);
    expect(again.panel.getByLabelText("Description")).toHaveValue("Half a");
    await user.click(again.panel.getByRole("button", { name: "Discard" }));
    expect(again.panel.getByLabelText("Description")).toHaveValue("");
  });

  it("offers as dependencies only what can be, and says why not", async () => {
    const { sent } = renderPlan(new FakePlanServer(plan));
    const { user, panel } = await opened(/^Alpha/);
    expect(panel.getByRole("checkbox", { name: /Beta/ })).toBeDisabled();
    expect(panel.getByText(/a → b → a/)).toBeInTheDocument();
    expect(panel.getByRole("checkbox", { name: /Gamma/ })).toBeDisabled();
    await user.click(panel.getByRole("button", { name: "Close" }));
    const gamma = await opened(/^Gamma/);
    await user.click(gamma.panel.getByRole("checkbox", { name: /Beta/ }));
    await user.click(gamma.panel.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent("PATCH", "/api/plan-tasks/c")[0]?.body).toEqual({ dependsOn: ["b"] }));
  });
});

describe("where a task is carried out, and what is asked of it", () => {
  const repository = (id: string, name: string) => ({
    id,
    name,
    url: "https://github.com/example/app",
    defaultBranch: "main",
  });
  const two = {
    "GET /api/repositories": {
      json: { items: [repository("repository", "App"), repository("other", "Website")], nextToken: null },
    },
  };

  it("can be another repository, and no change", async () => {
    const { sent } = renderPlan(new FakePlanServer(plan), "", two);
    const { user, panel } = await opened(/^Alpha/);
    await user.click(panel.getByRole("checkbox", { name: /Must change files/ }));
    const select = panel.getByRole("combobox", { name: "Repository" });
    expect(select).toHaveTextContent("Plan repository: App");
    await user.click(select);
    await user.click(await screen.findByRole("option", { name: "Website" }));
    await user.click(panel.getByRole("button", { name: "Save" }));
    await waitFor(() =>
      expect(sent("PATCH", "/api/plan-tasks/a").map((call) => call.body)).toEqual([
        { changeAsked: false, repositoryId: "other" },
      ]),
    );
  });

  it("goes back to the plan's own", async () => {
    const there = aPlan([aPhase("one", [aTask("a", [], { title: "Alpha", repositoryId: "other" })])]);
    const { sent } = renderPlan(new FakePlanServer(there), "", two);
    const { user, panel } = await opened(/^Alpha/);
    await user.click(panel.getByRole("combobox", { name: "Repository" }));
    await user.click(await screen.findByRole("option", { name: "Plan repository: App" }));
    await user.click(panel.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(sent("PATCH", "/api/plan-tasks/a")[0]?.body).toEqual({ repositoryId: null }));
  });

  it("is not asked where there is only one repository", async () => {
    renderPlan(new FakePlanServer(plan));
    const { panel } = await opened(/^Alpha/);
    expect(panel.queryByRole("combobox", { name: "Repository" })).not.toBeInTheDocument();
  });
});

it("names the stories it carries out: one more, one no longer", async () => {
  const items = [aStory(1, 1), aStory(1, 2)];
  const project = aProject({ counts: { cards: 1, epics: 1, stories: 2, subtasks: 0 } });
  const { sent } = renderPlan(new FakePlanServer({ ...plan, storyIds: ["p1-E1-S1"] }), "", {
    "GET /api/projects": { json: { items: [project], nextToken: null } },
    "GET /api/projects/p1/stories": { json: { items, nextToken: null } },
    "GET /api/stories/p1-E1-S1": { json: { ...items[0], plans: [] } },
    "GET /api/stories/p1-E1-S2": { json: { ...items[1], plans: [] } },
    "PATCH /api/plans/plan": { json: { ...plan, version: 2 } },
  });
  const { user, panel } = await opened(/^Details/);
  await user.click(await panel.findByRole("checkbox", { name: /Story 2/ }));
  await user.click(await panel.findByRole("button", { name: "Remove E1 · S1 Story 1" }));
  await user.click(panel.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(sent("PATCH", "/api/plans/plan")[0]?.body).toEqual({ storyIds: ["p1-E1-S2"] }));
});

it("cannot be changed once the plan has ended", async () => {
  renderPlan(new FakePlanServer({ ...plan, status: "COMPLETED" }));
  expect(await screen.findByText(/read-only/)).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: /^Move/ })).not.toBeInTheDocument();
  const { panel } = await opened(/^Alpha/);
  expect(panel.getByLabelText("Title")).toBeDisabled();
});
