import { beforeEach, expect, test } from "vitest";

import {
  addTotals,
  type ImportState,
  MAX_LISTED,
  MAX_SAVED,
  NO_TOTALS,
  savedImport,
  saveImport,
} from "./importState";

beforeEach(() => localStorage.clear());

const rejected = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ row: at + 1, line: at + 2, reason: "is empty" }));
const totals = (count: number) => ({ ...NO_TOTALS, rejected: rejected(count), rejectedCount: count });
const STATE: ImportState = {
  projectId: "p1",
  name: "a.csv",
  kind: "text",
  size: 1,
  hash: "h",
  query: {},
  cutting: null,
  next: null,
  totals: NO_TOTALS,
};

test("the page keeps every rejected row up to the limit of memory, and counts all", () => {
  const sum = addTotals(totals(MAX_SAVED), totals(1_000));
  expect(sum.rejected).toHaveLength(MAX_SAVED + 1_000);
  const full = addTotals(totals(MAX_LISTED), totals(1));
  expect([full.rejected.length, full.rejectedCount]).toEqual([MAX_LISTED, MAX_LISTED + 1]);
});

test("the browser stores the first rejected rows only, and the count of all", () => {
  expect(saveImport({ ...STATE, totals: totals(MAX_SAVED + 1) })).toBe(true);
  const { rejected, rejectedCount } = savedImport("p1")?.totals ?? NO_TOTALS;
  expect([rejected.length, rejectedCount]).toEqual([MAX_SAVED, MAX_SAVED + 1]);
  expect(JSON.stringify(localStorage).length).toBeLessThan(2_000_000);
});
