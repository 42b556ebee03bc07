import { describe, expect, it } from "vitest";
import { aReview, aPhase, aPlan, aSuggestion, aTask } from "./samples";
import {
  compatibleSelection,
  appliedIndices,
  describeOperation,
  blockedReason,
  withoutStale,
  toggled,
} from "./suggestions";

const three = [
  aSuggestion(0, { conflictsWith: [2] }),
  aSuggestion(1),
  aSuggestion(2, { conflictsWith: [0] }),
  aSuggestion(3, { stale: true }),
];

describe("choosing among suggestions", () => {
  it("takes one and gives it back", () => {
    const chosen = toggled(three, new Set(), 1);
    expect([...chosen]).toEqual([1]);
    expect([...toggled(three, chosen, 1)]).toEqual([]);
  });

  it("does not take two that cannot go together, and names the other", () => {
    const chosen = toggled(three, new Set(), 0);
    expect(blockedReason(three, chosen, 2)).toMatch(/number 1/);
    expect([...toggled(three, chosen, 2)]).toEqual([0]);
    expect(blockedReason(three, chosen, 0)).toBeNull();
  });

  it("never takes a stale one", () => {
    expect(blockedReason(three, new Set(), 3)).toMatch(/changed since/);
    expect([...toggled(three, new Set(), 3)]).toEqual([]);
  });

  it("takes as many as go together, the first ones first", () => {
    expect([...compatibleSelection(three)]).toEqual([0, 1]);
  });

  it("lets go of what has become stale meanwhile", () => {
    const later = three.map((one) => ({ ...one, stale: one.index === 1 }));
    expect([...withoutStale(later, new Set([0, 1]))]).toEqual([0]);
  });
});

it("says in one line what a suggestion would do, with the names people know", () => {
  const plan = aPlan([aPhase("one", [aTask("a")], { title: "Build" })]);
  const lines = [
    describeOperation(plan, { type: "update", taskId: "a", fields: {} }),
    describeOperation(plan, { type: "move", taskId: "a", phaseId: "one", position: null, aheadOf: null }),
    describeOperation(plan, { type: "remove", taskId: "gone", dependents: "repair" }),
  ];
  expect(lines).toEqual(["Update “Do a”", "Move “Do a” to Build", "Remove “gone”"]);
});

it("knows from the history which suggestions of a review have been taken", () => {
  const taken = (sourceIterationId: string, suggestionIndices: number[]) => ({
    ...aReview([]),
    kind: "SUGGESTIONS_APPLIED" as const,
    sourceIterationId,
    suggestionIndices,
  });
  const history = [taken("r1", [0, 2]), taken("r2", [1]), taken("r1", [3])];
  expect([...appliedIndices(history, "r1")]).toEqual([0, 2, 3]);
});
