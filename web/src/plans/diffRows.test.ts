import { describe, expect, it } from "vitest";

import { aPhase, aPlan, aSuggestion, aTask } from "./samples";
import { rowsOfChange, rowsOfSuggestion } from "./diffRows";

const plan = aPlan([aPhase("one", [aTask("a"), aTask("b", ["a"])], { title: "Build" }), aPhase("two")]);

describe("a suggestion side by side", () => {
  it("shows the fields that differ, by the names people know", () => {
    const suggestion = aSuggestion(0, {
      before: { taskId: "a", title: "Do a", acceptanceCriteria: [] },
      after: { taskId: "a", title: "Do a", acceptanceCriteria: ["It works."] },
    });
    expect(rowsOfSuggestion(plan, suggestion)).toEqual([
      { name: "Acceptance criteria", before: "–", after: "• It works." },
    ]);
  });

  it("names tasks and phases by their titles", () => {
    const depends = aSuggestion(0, {
      before: { taskId: "b", dependsOn: ["a"] },
      after: { taskId: "b", dependsOn: [] },
    });
    expect(rowsOfSuggestion(plan, depends)).toEqual([{ name: "Depends on", before: "Do a", after: "–" }]);
    const move = aSuggestion(0, {
      before: { taskId: "b", phaseId: "one", position: 1 },
      after: { taskId: "b", phaseId: "one", position: 0 },
    });
    expect(rowsOfSuggestion(plan, move)).toEqual([
      { name: "Phase", before: "Build", after: "Build" },
      { name: "Position", before: "2", after: "1" },
    ]);
  });

  it("shows whole tasks where they come, go or are split", () => {
    const task = {
      title: "New",
      effort: "S",
      description: "Why.",
      acceptanceCriteria: ["Done."],
      dependsOn: ["a"],
    };
    const split = aSuggestion(0, { before: { tasks: [task] }, after: { tasks: [task, { title: "Other" }] } });
    const told = "New (S)\nWhy.\n• Done.\nDepends on: Do a";
    expect(rowsOfSuggestion(plan, split)).toEqual([
      { name: "Task 1", before: told, after: told },
      { name: "Task 2", before: null, after: "Other" },
    ]);
  });
});

it("shows what was added or removed as a whole, and of the rest the fields", () => {
  const change = { id: "a", title: "Do a", fields: [], before: null, after: { title: "Do a", effort: "M" } };
  expect(rowsOfChange(plan, { ...change, kind: "added" })).toEqual([
    { name: "Added", before: null, after: "Do a (M)" },
  ]);
  const edited = {
    ...change,
    kind: "changed",
    fields: ["effort"],
    before: { effort: "S" },
    after: { effort: "M" },
  };
  expect(rowsOfChange(plan, edited)).toEqual([{ name: "Effort", before: "S", after: "M" }]);
});

it("names the repository of a task and the stories of a plan as people do", () => {
  const known = { ...plan, repositories: [{ id: "r2", name: "Website" }] };
  const change = { kind: "changed" as const, id: "a", title: "Do a", fields: [], before: {}, after: {} };
  const moved = { ...change, before: { repositoryId: null }, after: { repositoryId: "r2" } };
  expect(rowsOfChange(known, moved)).toEqual([{ name: "Repository", before: "–", after: "Website" }]);
  const linked = { ...change, before: { storyIds: [] }, after: { storyIds: ["p1-E1-S2"] } };
  expect(rowsOfChange(known, linked)).toEqual([{ name: "Stories", before: "–", after: "E1 · S2" }]);
});
