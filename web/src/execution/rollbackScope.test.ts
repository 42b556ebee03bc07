import { expect, it } from "vitest";

import { aPhase, aPlan, aProgress, aTask, aTaskProgress } from "@/plans/samples";

import { transitiveDependents, rollbackScope } from "./rollbackScope";

const plan = aPlan([
  aPhase("one", [aTask("a"), aTask("b", ["a"])]),
  aPhase("two", [aTask("c", ["b"]), aTask("d"), aTask("e", ["c"])]),
]);
const done = { status: "COMPLETED", commitSha: "abc1234" } as const;
const progress = aProgress([
  aTaskProgress("a", done),
  aTaskProgress("b", done),
  aTaskProgress("c", done),
  aTaskProgress("d", { status: "COMPLETED" }),
  aTaskProgress("e", { status: "FAILED" }),
]);

it("names what was built on a task, however far, in the plan's order", () => {
  expect(transitiveDependents(plan, ["a"])).toEqual(["b", "c", "e"]);
  expect(transitiveDependents(plan, ["d"])).toEqual([]);
});

it("takes back only what has a commit, and names the rest of what goes with it", () => {
  expect(rollbackScope(plan, progress, { taskId: "a" })).toEqual({ targets: ["a"], dependents: ["b", "c"] });
  expect(rollbackScope(plan, progress, { taskId: "d" })).toEqual({ targets: [], dependents: [] });
});

it("takes back a patch where the plan makes no commits", () => {
  const patched = aProgress([
    aTaskProgress("a", { status: "COMPLETED", filesChanged: ["src/a.ts"] }),
    aTaskProgress("b", { status: "COMPLETED", filesChanged: ["src/b.ts"] }),
  ]);
  expect(rollbackScope(plan, patched, { taskId: "a" })).toEqual({ targets: ["a"], dependents: ["b"] });
});

it("takes back a phase, or all of it", () => {
  expect(rollbackScope(plan, progress, { phaseId: "one" })).toEqual({
    targets: ["a", "b"],
    dependents: ["c"],
  });
  expect(rollbackScope(plan, progress, {})).toEqual({ targets: ["a", "b", "c"], dependents: [] });
});
