/** Fake server for tests: one plan with versions. */
import { Component as ExecutionPage } from "@/execution/ExecutionPage";
import { renderPage } from "@/testing/render";
import { type Call, fakeServer } from "@/testing/server";
import { createElement } from "react";

import { Component as EditorPage } from "./EditorPage";
import type { Plan, Progress, Task } from "./model";
import { Component as PlanPage } from "./PlanPage";
import { Component as ReviewsPage } from "./ReviewsPage";
import { aProgress, aTaskProgress } from "./samples";

type Answer = { status?: number; json?: unknown };
type Routes = Parameters<typeof fakeServer>[0];

export class FakePlanServer {
  plan: Plan;
  progress: Progress;

  constructor(plan: Plan, progress?: Progress) {
    this.plan = plan;
    this.progress = progress ?? notStarted(plan);
  }

  /** Change a task as another user. */
  changedByOthers(taskId: string, change: Partial<Task>): void {
    this.change(taskId, change);
  }

  routes(more: Routes = {}): Routes {
    const tasks = this.plan.phases.flatMap((phase) => phase.tasks);
    return {
      [`GET /api/plans/${this.plan.id}`]: () => ({ json: this.plan }),
      [`GET /api/plans/${this.plan.id}/progress`]: () => ({
        json: { ...this.progress, version: this.plan.version },
      }),
      [`POST /api/plans/${this.plan.id}/estimate`]: {
        status: 409,
        json: { error: { message: "No estimate here." } },
      },
      "GET /api/repositories": { json: { items: [], nextToken: null } },
      ...Object.fromEntries(
        tasks.map(({ id }) => [`PATCH /api/plan-tasks/${id}`, (call: Call) => this.patch(id, call)]),
      ),
      ...more,
    };
  }

  private patch(id: string, { headers, body }: Call): Answer {
    if (headers.get("if-match") !== `"${this.plan.version}"`) {
      const error = {
        code: "VERSION_CONFLICT",
        message: "Changed.",
        details: { version: this.plan.version },
      };
      return { status: 409, json: { error } };
    }
    this.change(id, body as Partial<Task>);
    return { json: { planVersion: this.plan.version } };
  }

  private change(id: string, change: Partial<Task>): void {
    const phases = this.plan.phases.map((phase) => ({
      ...phase,
      tasks: phase.tasks.map((task) => (task.id === id ? { ...task, ...change } : task)),
    }));
    this.plan = { ...this.plan, version: this.plan.version + 1, phases };
  }
}

/** Progress of a plan before its first run. */
function notStarted(plan: Plan): Progress {
  const tasks = plan.phases.flatMap((phase) =>
    phase.tasks.map((task) => aTaskProgress(task.id, { title: task.title, phaseId: phase.id })),
  );
  return aProgress(tasks, { status: plan.status, execution: 0, pollAfterMs: null });
}

/** Render a tab of the plan page with the fake server. */
export function renderPlan(
  server: FakePlanServer,
  at: "" | "/execution" | "/reviews" = "",
  more: Routes = {},
) {
  const { calls } = fakeServer(server.routes(more));
  const page = {
    path: "/plans/:planId",
    Component: PlanPage,
    children: [
      { index: true, Component: EditorPage },
      { path: "execution", Component: ExecutionPage },
      { path: "reviews", Component: ReviewsPage },
    ],
  };
  const view = renderPage(createElement("p"), {
    path: "/none",
    at: `/plans/${server.plan.id}${at}`,
    others: [page],
  });
  const sent = (method: string, path: string) =>
    calls.filter((call) => call.method === method && call.path === path);
  return { ...view, calls, sent };
}
