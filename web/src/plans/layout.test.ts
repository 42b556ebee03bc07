import { describe, expect, it } from "vitest";
import { NODE, layoutOf } from "./layout";
import { tasksOf } from "./model";
import { aPhase, aPlan, aTask } from "./samples";

const plan = aPlan([
  aPhase("one", [aTask("a"), aTask("b", ["a"]), aTask("c", ["a"]), aTask("d", ["b", "c"]), aTask("e")]),
  aPhase("two", [aTask("f", ["d"]), aTask("g"), aTask("h")], { mode: "sequential" }),
  aPhase("three"),
]);
const { bands, spots } = layoutOf(plan);
const at = (id: string) => spots.get(id) ?? { x: NaN, y: NaN };

describe("the layout of a graph", () => {
  it("has a place for every task, and no two overlap", () => {
    const all = tasksOf(plan).map((task) => at(task.id));
    for (const [index, one] of all.entries()) {
      for (const other of all.slice(index + 1)) {
        const apart = Math.abs(one.x - other.x) >= NODE.width || Math.abs(one.y - other.y) >= NODE.height;
        expect(apart).toBe(true);
      }
    }
  });

  it("puts a task to the right of all that it waits for in its phase", () => {
    expect(at("b").x).toBeGreaterThan(at("a").x);
    expect(at("d").x).toBeGreaterThan(at("c").x);
    expect(at("b").x).toBe(at("c").x);
  });

  it("puts phases below one another, with their tasks inside, an empty one too", () => {
    expect(bands.map((band) => band.id)).toEqual(["one", "two", "three"]);
    for (const phase of plan.phases) {
      const band = bands.find((one) => one.id === phase.id) ?? { x: NaN, y: NaN, height: 0, width: 0 };
      for (const { id } of phase.tasks) {
        expect(at(id).y).toBeGreaterThan(band.y);
        expect(at(id).y + NODE.height).toBeLessThan(band.y + band.height);
        expect(at(id).x + NODE.width).toBeLessThan(band.x + band.width);
      }
    }
  });

  it("keeps the order of a phase that goes in order", () => {
    expect(at("f").x).toBeLessThan(at("g").x);
    expect(at("g").x).toBeLessThan(at("h").x);
  });

  it("takes 500 tasks that all wait for each other in turn", () => {
    const tasks = Array.from({ length: 500 }, (_, i) => aTask(`t${i}`, i > 0 ? [`t${i - 1}`] : []));
    expect(layoutOf(aPlan([aPhase("one", tasks)])).spots.size).toBe(500);
  });
});
