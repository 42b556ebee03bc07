import { expect, test } from "vitest";

import { toItem } from "@/services/runs";
import { anItem, aRun } from "@/testing/samples";

import { mergeItems, mergeAnswer, needsFullList, viewOf } from "./merge";

const items = (...all: ReturnType<typeof anItem>[]) => all.map(toItem);
const view = (part = {}) =>
  viewOf({ ...aRun(part), items: [anItem(0), anItem(1, { status: "GENERATING" }), anItem(2)] }, '"a"', 1_000);

test("changed items take the place of those known, the others stay the same objects", () => {
  const known = items(anItem(0), anItem(1), anItem(2));
  const result = mergeItems(known, items(anItem(1, { status: "COMPLETED" })));
  expect(result.map((item) => item.status)).toEqual(["PENDING", "COMPLETED", "PENDING"]);
  expect(result[0]).toBe(known[0]);
  expect(result[2]).toBe(known[2]);
});

test("where nothing has changed the list itself is the same", () => {
  const known = items(anItem(0), anItem(1, { status: "COMPLETED" }));
  expect(mergeItems(known, [])).toBe(known);
});

test("an item in flight that the answer does not list waits again", () => {
  const known = items(anItem(0, { status: "GENERATING" }), anItem(1, { status: "SAVING" }));
  const result = mergeItems(known, items(anItem(1, { status: "SAVING" })));
  expect(result.map((item) => item.status)).toEqual(["PENDING", "SAVING"]);
});

test("items that were not known yet come where they belong", () => {
  const known = items(anItem(0), anItem(10));
  const result = mergeItems(known, items(anItem(9), anItem(2)));
  expect(result.map((item) => item.index)).toEqual([0, 2, 9, 10]);
});

test("an answer that is older than what is known changes nothing", () => {
  const known = view({ seq: 9 });
  expect(mergeAnswer(known, { ...aRun({ seq: 8 }), items: [] }, '"b"', 2_000)).toBe(known);
});

test("an answer brings the run's counters, its tag and the time from which elapsed time counts on", () => {
  const next = mergeAnswer(
    view({ seq: 7 }),
    { ...aRun({ seq: 8, completedItems: 2 }), items: [] },
    '"b"',
    2_000,
  );
  expect(next).toMatchObject({ etag: '"b"', run: { completedItems: 2, receivedAt: 2_000 } });
});

test("while a run lists its items, all are asked for once it is done with that", () => {
  const queueing = view({ phase: "QUEUEING", totalItems: 100 });
  expect(needsFullList(queueing)).toBe(false);
  const after = mergeAnswer(queueing, { ...aRun({ seq: 8, totalItems: 100 }), items: [] }, null, 2_000);
  expect(needsFullList(after)).toBe(true);
  expect(needsFullList(viewOf({ ...aRun({ totalItems: 100 }), items: [] }, null, 3_000))).toBe(false);
});

test("a run that gets more items than it had is asked for all again", () => {
  const grown = mergeAnswer(
    view({ totalItems: 3 }),
    { ...aRun({ seq: 8, totalItems: 4 }), items: [] },
    null,
    2_000,
  );
  expect(needsFullList(grown)).toBe(true);
});
