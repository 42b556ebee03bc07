import { describe, expect, it } from "vitest";
import { brokenDependencies, cycleOf, dependentsOf, refusalOf } from "./dependencies";
import { aPhase, aPlan, aTask } from "./samples";

const chain = aPlan([aPhase("one", [aTask("a"), aTask("b", ["a"]), aTask("c", ["b"]), aTask("d")])]);

describe("a dependency drawn in the graph", () => {
  it("is allowed where nothing speaks against it", () => {
    expect(refusalOf(chain, "d", "c")).toBeNull();
    expect(refusalOf(chain, "c", "a")).toBeNull();
  });

  it("is refused with the path when it would close a cycle, however long", () => {
    expect(refusalOf(chain, "a", "b")).toMatchObject({ code: "CYCLE", path: ["a", "b", "a"] });
    expect(refusalOf(chain, "a", "c")).toMatchObject({ code: "CYCLE", path: ["a", "b", "c", "a"] });
  });

  it("is refused on a task itself, twice, and on a task that is gone", () => {
    expect(refusalOf(chain, "a", "a")?.code).toBe("SELF_DEPENDENCY");
    expect(refusalOf(chain, "b", "a")?.code).toBe("DUPLICATE_DEPENDENCY");
    expect(refusalOf(chain, "b", "gone")?.code).toBe("UNKNOWN_DEPENDENCY");
  });

  it("is refused on a task of a later phase, and on a later one of a phase that goes in order", () => {
    const plan = aPlan([
      aPhase("one", [aTask("a"), aTask("b")], { mode: "sequential" }),
      aPhase("two", [aTask("c"), aTask("d")]),
    ]);
    expect(refusalOf(plan, "a", "c")?.code).toBe("LATER_PHASE");
    expect(refusalOf(plan, "a", "b")?.code).toBe("LATER_IN_PHASE");
    expect(refusalOf(plan, "b", "a")).toBeNull();
    expect(refusalOf(plan, "c", "d")).toBeNull();
  });
});

it("finds the shortest cycle of several", () => {
  const plan = aPlan([aPhase("one", [aTask("a"), aTask("b", ["a"]), aTask("c", ["b", "a"])])]);
  expect(cycleOf(plan, "a", "c")).toEqual(["a", "c", "a"]);
});

it("names what a plan as it would be breaks", () => {
  const plan = aPlan([aPhase("one", [aTask("b", ["a"])]), aPhase("two", [aTask("a")])]);
  expect(brokenDependencies(plan).map((fault) => fault.code)).toEqual(["LATER_PHASE"]);
  expect(brokenDependencies(chain)).toEqual([]);
});

it("knows which tasks depend on one", () => {
  expect(dependentsOf(chain, "a").map((task) => task.key)).toEqual(["b"]);
});
