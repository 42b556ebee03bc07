import { expect, it } from "vitest";
import { attentionItems } from "./attention";
import { aProgress, aTaskProgress } from "@/plans/samples";

const kinds = (progress: Parameters<typeof attentionItems>[0]) =>
  attentionItems(progress).map((one) => one.kind);

it("asks nobody for anything while tasks simply run", () => {
  expect(kinds(aProgress([aTaskProgress("a", { status: "RUNNING" }), aTaskProgress("b")]))).toEqual([]);
});

it("puts failed tasks before approvals", () => {
  const tasks = [
    aTaskProgress("a", { status: "AWAITING_APPROVAL" }),
    aTaskProgress("b", { status: "FAILED", errorMsg: "The tests fail." }),
  ];
  const found = attentionItems(
    aProgress(tasks, { status: "PAUSED", cause: "failure", reason: "Failed: b." }),
  );
  expect(found.map((one) => [one.kind, one.task?.key])).toEqual([
    ["failed", "b"],
    ["approval", "a"],
  ]);
  expect(found[0]?.detail).toBe("The tests fail.");
});

it("says who has paused a plan and why", () => {
  expect(kinds(aProgress([], { status: "PAUSED", cause: "phase" }))).toEqual(["checkpoint"]);
  const paused = attentionItems(aProgress([], { status: "PAUSED", cause: "person", reason: "Lunch" }));
  expect(paused).toMatchObject([{ kind: "paused", detail: "Lunch" }]);
});

it("tells of trouble outside the plan, and of a reached cost limit", () => {
  const trouble = aProgress([], { status: "PAUSED", cause: "trouble", reason: "The secret is missing." });
  expect(attentionItems(trouble)).toMatchObject([{ kind: "trouble", detail: "The secret is missing." }]);
  const limit = attentionItems(aProgress([], { status: "PAUSED", cause: "limit" }));
  expect(limit).toMatchObject([{ kind: "limit", title: "Cost limit reached" }]);
  expect(limit[0]?.detail).toContain("Raise the cost limit");
});

it("does not ask for what a cancelled plan has left behind", () => {
  expect(kinds(aProgress([aTaskProgress("a", { status: "FAILED" })], { status: "CANCELLED" }))).toEqual([]);
});

it("names an execution that has died, and a rollback that could not go on", () => {
  expect(kinds(aProgress([], { status: "FAILED", execution: 1 }))).toEqual(["died"]);
  expect(kinds(aProgress([], { status: "FAILED", execution: 0 }))).toEqual([]);
  const rollback = {
    number: 1,
    taskIds: [],
    who: "Ada",
    atMs: 0,
    status: "FAILED",
    error: "A conflict.",
    heads: [],
    verified: null,
  } as const;
  expect(
    kinds(aProgress([], { status: "COMPLETED", rollback: { ...rollback, taskIds: [], heads: [] } })),
  ).toEqual(["rollback-failed"]);
});
