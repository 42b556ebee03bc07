import { describe, expect, it } from "vitest";
import { isUnblocked, incompleteReason, planActions, taskActions } from "./actions";
import type { Progress } from "@/plans/model";
import { aPhase, aPlan, aProgress, aTask, aTaskProgress } from "@/plans/samples";

const done = aTaskProgress("a", { status: "COMPLETED", commitSha: "abc1234" });
const rollback: Progress["rollback"] = {
  number: 1,
  taskIds: ["a"],
  who: "Ada",
  atMs: 0,
  status: "RUNNING",
  error: null,
  heads: [],
  verified: null,
};

function offered(fields: Partial<Progress>, tasks = [aTaskProgress("a")]): string[] {
  return [...planActions(aProgress(tasks, fields))].sort();
}

describe("what is offered for a plan", () => {
  it("is to carry it out or to schedule it before it has begun", () => {
    expect(offered({ status: "DRAFT", execution: 0 })).toEqual(["execute", "schedule"]);
    expect(offered({ status: "READY", execution: 0 })).toEqual(["execute", "schedule"]);
  });

  it("is nothing for one without tasks, or with an empty phase", () => {
    expect(offered({ status: "DRAFT", execution: 0 }, [])).toEqual([]);
    const progress = aProgress([aTaskProgress("a")], { status: "DRAFT" });
    const phases = [...progress.phases, ...progress.phases.map((phase) => ({ ...phase, id: "empty" }))];
    expect([...planActions({ ...progress, phases })]).toEqual([]);
  });

  it("is to pause or to cancel while it runs", () => {
    expect(offered({ status: "RUNNING" })).toEqual(["cancel", "pause"]);
  });

  it("is to resume once it is paused, and to keep paused what a failure has paused", () => {
    expect(offered({ status: "PAUSED", cause: "person" })).toEqual(["cancel", "resume"]);
    expect(offered({ status: "PAUSED", cause: "failure" })).toEqual(["cancel", "pause", "resume"]);
    expect(offered({ status: "PAUSING", cause: "person" })).toEqual(["cancel", "resume"]);
  });

  it("is to resume one whose execution has died, but not one that could not be written", () => {
    expect(offered({ status: "FAILED", execution: 2 })).toEqual(["cancel", "resume"]);
    expect(offered({ status: "FAILED", execution: 0 })).toEqual([]);
  });

  it("is to take back what is done, or to begin again, once it has ended", () => {
    expect(offered({ status: "COMPLETED" }, [done])).toEqual(["again", "rollback", "schedule"]);
    expect(offered({ status: "CANCELLED" })).toEqual(["again", "schedule"]);
  });

  it("is neither to go on nor to take back more while commits are being taken back", () => {
    expect(offered({ status: "PAUSED", cause: "person", rollback }, [done])).toEqual(["cancel"]);
    expect(offered({ status: "COMPLETED", rollback }, [done])).toEqual(["schedule"]);
  });
});

describe("what is offered for a task", () => {
  function ofTask(fields: Parameters<typeof aTaskProgress>[1], of: Partial<Progress> = {}): string[] {
    const task = aTaskProgress("b", fields);
    return [...taskActions(aProgress([done, task], of), task)].sort();
  }

  it("depends on where it stands", () => {
    expect(ofTask({ status: "AWAITING_APPROVAL" })).toEqual(["approve", "complete", "reject", "skip"]);
    expect(ofTask({ status: "FAILED" })).toEqual(["complete", "retry", "skip"]);
    expect(ofTask({ status: "WAITING" })).toEqual(["complete", "skip"]);
    expect(ofTask({ status: "PENDING", waitsFor: ["a"] })).toEqual(["skip"]);
    expect(ofTask({ status: "RUNNING" })).toEqual([]);
    expect(ofTask({ status: "SKIPPED" })).toEqual([]);
  });

  it("is nothing while the plan is not under way, or is being rolled back", () => {
    expect(ofTask({ status: "FAILED" }, { status: "CANCELLED" })).toEqual([]);
    expect(ofTask({ status: "FAILED" }, { rollback })).toEqual([]);
  });

  it("is to take its commit back where the plan stands still", () => {
    const progress = aProgress([done], { status: "PAUSED" });
    expect([...taskActions(progress, done)]).toEqual(["rollback"]);
    expect([...taskActions(aProgress([done]), done)]).toEqual([]);
  });

  it("has its turn only after the phases before its own", () => {
    const later = aTaskProgress("z", { phaseId: "two" });
    expect(isUnblocked(aProgress([done, later]), later)).toBe(true);
    expect(isUnblocked(aProgress([{ ...done, status: "RUNNING" }, later]), later)).toBe(false);
  });
});

it("says why a plan cannot be carried out yet", () => {
  expect(incompleteReason(aPlan([]))).toMatch(/Add a phase/);
  expect(incompleteReason(aPlan([aPhase("one")]))).toMatch(/one/);
  expect(incompleteReason(aPlan([aPhase("one", [aTask("a")])]))).toBeNull();
});
