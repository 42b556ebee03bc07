import { describe, expect, it } from "vitest";
import {
  brokenByMove,
  phaseMove,
  placeOf,
  describePlace,
  adjacentPlace,
  taskMove,
  withPhaseAt,
  withTaskAt,
} from "./moves";
import { aPhase, aPlan, aTask } from "./samples";

const plan = aPlan([
  aPhase("one", [aTask("a"), aTask("b"), aTask("c")]),
  aPhase("two", [aTask("d", ["a"])]),
  aPhase("three"),
]);

function keys(changed: typeof plan): string[] {
  return changed.phases.map((phase) => phase.tasks.map((task) => task.key).join(""));
}

describe("a task moved by the keyboard", () => {
  it("goes one place up or down in its phase", () => {
    expect(adjacentPlace(plan, "b", 1)).toEqual({ phaseId: "one", position: 2 });
    expect(adjacentPlace(plan, "b", -1)).toEqual({ phaseId: "one", position: 0 });
  });

  it("goes on in the next phase over the edge, and has an end", () => {
    expect(adjacentPlace(plan, "c", 1)).toEqual({ phaseId: "two", position: 0 });
    expect(adjacentPlace(plan, "d", -1)).toEqual({ phaseId: "one", position: 3 });
    expect(adjacentPlace(plan, "d", 1)).toEqual({ phaseId: "three", position: 0 });
    expect(adjacentPlace(plan, "a", -1)).toBeNull();
  });

  it("passes through every place of the plan and comes back", () => {
    let moved = plan;
    const seen = [keys(moved).join("|")];
    for (let place = adjacentPlace(moved, "a", 1); place; place = adjacentPlace(moved, "a", 1)) {
      moved = withTaskAt(moved, "a", place);
      seen.push(keys(moved).join("|"));
    }
    expect(seen).toEqual(["abc|d|", "bac|d|", "bca|d|", "bc|ad|", "bc|da|", "bc|d|a"]);
    for (let place = adjacentPlace(moved, "a", -1); place; place = adjacentPlace(moved, "a", -1)) {
      moved = withTaskAt(moved, "a", place);
    }
    expect(keys(moved)).toEqual(["abc", "d", ""]);
  });
});

describe("the request of a move", () => {
  it("names the place in its own phase, and the phase besides where that is another", () => {
    expect(taskMove(plan, "a", { phaseId: "one", position: 2 })).toEqual({ position: 2 });
    expect(taskMove(plan, "a", { phaseId: "two", position: 1 })).toEqual({ phaseId: "two", position: 1 });
  });

  it("is none where nothing moves", () => {
    expect(taskMove(plan, "b", { phaseId: "one", position: 1 })).toBeNull();
    expect(taskMove(plan, "gone", { phaseId: "one", position: 1 })).toBeNull();
    expect(phaseMove(plan, "one", -1)).toBeNull();
    expect(phaseMove(plan, "three", 3)).toBeNull();
    expect(phaseMove(plan, "one", 1)).toEqual({ position: 1 });
  });
});

it("tells what a move would break, and nothing of what was broken before", () => {
  const after = withTaskAt(plan, "a", { phaseId: "three", position: 0 });
  expect(brokenByMove(plan, after)?.code).toBe("LATER_PHASE");
  expect(brokenByMove(after, after)).toBeNull();
  expect(brokenByMove(plan, withPhaseAt(plan, "two", 0))?.code).toBe("LATER_PHASE");
  expect(brokenByMove(plan, withPhaseAt(plan, "three", 0))).toBeNull();
});

it("says aloud where a task has come to", () => {
  expect(placeOf(plan, "c")).toEqual({ phaseId: "one", position: 2 });
  expect(describePlace(plan, "c")).toBe("Do c: phase one, position 3 of 3");
});
