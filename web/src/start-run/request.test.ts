import { expect, test } from "vitest";

import { existingResults } from "./existingResults";
import { emptyDraft, draftError, toRunRequest } from "./request";

const COUNTS = { cards: 40, epics: 6, stories: 30, subtasks: 200 };

test("all of it, as usual, is what a draft begins with", () => {
  expect(toRunRequest("GENERATE_STORIES", emptyDraft([], null))).toEqual({
    type: "GENERATE_STORIES",
    options: { mode: "standard", existingBehavior: "skip", pacing: "normal", maxCostUsd: null },
    epicId: null,
    itemIds: null,
  });
});

test("what was chosen, or the epic it was asked for from, is its scope", () => {
  expect(toRunRequest("ANALYZE_CARDS", emptyDraft(["c1", "c2"], null)).itemIds).toEqual(["c1", "c2"]);
  expect(toRunRequest("GENERATE_SUBTASKS", emptyDraft([], "e1"))).toMatchObject({
    epicId: "e1",
    itemIds: null,
  });
});

test("an epic does not narrow a run over cards", () => {
  expect(toRunRequest("ANALYZE_CARDS", { ...emptyDraft([], "e1"), scope: "epic" }).epicId).toBeNull();
});

test.each([
  ["", null],
  [" 2.5 ", 2.5],
  ["2,5", 2.5],
])("a limit of %j is %j", (limit, value) => {
  const draft = { ...emptyDraft([], null), limit };
  expect(draftError(draft)).toBeNull();
  expect(toRunRequest("ANALYZE_CARDS", draft).options.maxCostUsd).toBe(value);
});

test.each(["0", "-1", "much", "1e9"])("a limit of %j is refused before it is sent", (limit) => {
  expect(draftError({ ...emptyDraft([], null), limit })).toMatch(/number above 0/);
});

test("nothing chosen, or too much, cannot be sent", () => {
  expect(draftError({ ...emptyDraft([], null), scope: "chosen" })).toMatch(/at least one/);
  expect(draftError(emptyDraft(Array.from({ length: 1_001 }, String), null))).toMatch(/1,000/);
  expect(draftError({ ...emptyDraft([], null), scope: "epic" })).toBe("Select an epic.");
});

test("what is already there is told, and whether it will go", () => {
  const request = toRunRequest("GENERATE_STORIES", emptyDraft([], null));
  expect(existingResults(request, 2, COUNTS)).toEqual({
    text: "4 of 6 epics already have stories and are skipped.",
    isDestructive: false,
  });
  const replacing = { ...request, options: { ...request.options, existingBehavior: "replace" as const } };
  expect(existingResults(replacing, 2, COUNTS)?.isDestructive).toBe(true);
  expect(existingResults(request, 6, COUNTS)).toBeNull();
});

test("epics that replace take all below them along", () => {
  const request = toRunRequest("GENERATE_EPICS", emptyDraft([], null));
  const replacing = { ...request, options: { ...request.options, existingBehavior: "replace" as const } };
  expect(existingResults(replacing, 1, COUNTS)?.text).toBe(
    "6 epics, 30 stories and 200 subtasks will be replaced.",
  );
});
