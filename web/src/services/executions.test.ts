import { expect, it } from "vitest";

import { aProgress } from "@/plans/samples";

import { pollAfter } from "./executions";

const rollback = {
  number: 1,
  taskIds: [],
  who: "Ada",
  atMs: 0,
  status: "RUNNING",
  error: null,
  heads: [],
  verified: null,
} as const;
const schedule = { expression: "cron(0 2 * * ? *)", timezone: "UTC", who: "Ada" };

it("polls as the API says, and not at all where nothing can change by itself", () => {
  expect(pollAfter(aProgress([], { pollAfterMs: 3_000 }))).toBe(3_000);
  expect(pollAfter(aProgress([], { status: "DRAFT", pollAfterMs: null }))).toBe(false);
  expect(pollAfter(undefined)).toBe(false);
});

it("goes on polling while commits are taken back, a plan is written, or a time may come", () => {
  const quiet = { status: "COMPLETED", pollAfterMs: null } as const;
  expect(
    pollAfter(aProgress([], { ...quiet, rollback: { ...rollback, taskIds: [], heads: [] } })),
  ).toBeGreaterThan(0);
  const head = { repositoryId: "r", taskId: "a", commit: "c", verified: null, reason: null };
  const done = { ...rollback, taskIds: [], status: "DONE" as const };
  expect(pollAfter(aProgress([], { ...quiet, rollback: { ...done, heads: [head] } }))).toBeGreaterThan(0);
  expect(pollAfter(aProgress([], { ...quiet, rollback: { ...done, heads: [] } }))).toBe(false);
  expect(pollAfter(aProgress([], { ...quiet, schedule }))).toBeGreaterThan(0);
  expect(pollAfter(aProgress([], { status: "GENERATING", pollAfterMs: null }))).toBeGreaterThan(0);
});
