import { expect, it } from "vitest";

import { dropTarget } from "./dropTarget";

const rows = [
  { phaseId: "one", top: 0, bottom: 100, middles: [20, 60] },
  { phaseId: "two", top: 200, bottom: 240, middles: [] },
];

it.each([
  [-50, "one", 0],
  [10, "one", 0],
  [40, "one", 1],
  [90, "one", 2],
  [140, "one", 2],
  [170, "two", 0],
  [900, "two", 0],
])("at %i a task comes to %s, place %i", (y, phaseId, position) => {
  expect(dropTarget(rows, y)).toEqual({ phaseId, position });
});

it("comes nowhere where there is no phase", () => {
  expect(dropTarget([], 0)).toBeNull();
});
