import { describe, expect, it } from "vitest";

import { layoutOf, NODE, type Spot } from "./layout";
import { tasksOf } from "./model";
import { middleOf, pathOf, routeOf } from "./routing";
import { aPhase, aPlan, aTask } from "./samples";

const plan = aPlan([
  aPhase("one", [aTask("a"), aTask("b", ["a"]), aTask("c", ["b", "a"]), aTask("d"), aTask("e", ["a"])]),
  aPhase(
    "two",
    [1, 2, 3, 4, 5, 6, 7].map((n) => aTask(`s${n}`, n > 1 ? [`s${n - 1}`, "a"] : ["c", "d"])),
    {
      mode: "sequential",
    },
  ),
  aPhase("three", [aTask("f", ["b", "s7"]), aTask("g", ["a", "e", "f"]), aTask("h", ["s2"])]),
]);
const layout = layoutOf(plan);
const links = tasksOf(plan).flatMap((task, lane) =>
  task.dependsOn.map((from) => ({ from, to: task.id, lane })),
);

/** Whether an upright or level stretch passes through a box, its edges left out. */
function passes(one: Spot, other: Spot, box: Spot): boolean {
  const [left, right] = [Math.min(one.x, other.x), Math.max(one.x, other.x)];
  const [top, bottom] = [Math.min(one.y, other.y), Math.max(one.y, other.y)];
  return right > box.x && left < box.x + NODE.width && bottom > box.y && top < box.y + NODE.height;
}

describe("the lines of a graph", () => {
  it("begin at the right edge of what is waited for, and end at the left edge of what waits", () => {
    for (const { from, to, lane } of links) {
      const points = routeOf(layout, from, to, lane);
      expect(points[0]?.x).toBe((layout.spots.get(from)?.x ?? NaN) + NODE.width);
      expect(points.at(-1)?.x).toBe(layout.spots.get(to)?.x);
    }
  });

  it("run level or upright, and pass through no task", () => {
    for (const { from, to, lane } of links) {
      const points = routeOf(layout, from, to, lane);
      points.slice(1).forEach((point, at) => {
        const before = points[at] ?? point;
        expect(before.x === point.x || before.y === point.y).toBe(true);
        const hit = [...layout.spots].filter(([, box]) => passes(before, point, box)).map(([id]) => id);
        expect({ from, to, hit }).toEqual({ from, to, hit: [] });
      });
    }
  });

  it("are straight between neighbours, and nothing where a task has no place", () => {
    expect(routeOf(layout, "s1", "s2", 0)).toHaveLength(2);
    expect(routeOf(layout, "gone", "a", 0)).toEqual([]);
  });

  it("have round corners, and room for a button in their longest stretch", () => {
    const corner = [
      { x: 0, y: 0 },
      { x: 100, y: 0 },
      { x: 100, y: 20 },
    ];
    expect(pathOf(corner)).toBe("M 0 0 L 92 0 Q 100 0 100 8 L 100 20");
    expect(middleOf(corner)).toEqual({ x: 50, y: 0 });
  });
});
