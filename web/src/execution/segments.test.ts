import { expect, it } from "vitest";

import { aProgress } from "@/plans/samples";

import { countsInWords, percentOf, segmentsOf } from "./segments";

const of = (taskCounts: Record<string, number>, status: "RUNNING" | "CANCELLED" = "RUNNING") =>
  aProgress([], { status, taskCounts, totalTasks: 6, progress: 100 });

it("tells what has ended in which way apart, and what is under way", () => {
  const segments = segmentsOf(of({ COMPLETED: 2, FAILED: 1, SKIPPED: 1, CANCELLED: 1, RUNNING: 1 }));
  expect(segments).toEqual({ total: 6, done: 2, failed: 1, skipped: 2, active: 1 });
});

it("calls of a cancelled plan only what is done progress", () => {
  expect(percentOf(of({ COMPLETED: 2, CANCELLED: 4 }, "CANCELLED"))).toBe(33);
  expect(percentOf(of({ COMPLETED: 6 }))).toBe(100);
});

it("says the counts in words", () => {
  expect(countsInWords(of({ COMPLETED: 2, CANCELLED: 4 }))).toBe("2 of 6 done, 4 cancelled");
  expect(countsInWords(of({ RUNNING: 1, AWAITING_APPROVAL: 1 }))).toBe(
    "0 of 6 done, 1 running, 1 awaiting approval",
  );
});
