import { expect, test } from "vitest";

import { ApiError, NetworkError } from "@/api/errors";
import { toRun } from "@/services/runs";
import { aRun } from "@/testing/samples";

import { nextPollMs } from "./polling";
import { elapsedMs, remainingMs } from "./timing";

const run = (part = {}) => toRun(aRun(part), 10_000);

test("a run is asked again when it says", () => {
  expect(nextPollMs(run({ pollAfterMs: 3_000 }), null)).toBe(3_000);
  expect(nextPollMs(run({ pollAfterMs: 60_000 }), null)).toBe(60_000);
});

test("however soon it says, the server is spared", () => {
  expect(nextPollMs(run({ pollAfterMs: 0 }), null)).toBe(500);
});

test("a server that does not answer is asked again, one that refuses is not", () => {
  expect(nextPollMs(run(), new NetworkError(null))).toBe(3_000);
  expect(nextPollMs(undefined, new NetworkError(null))).toBe(3_000);
  expect(nextPollMs(run(), new ApiError(503, {}))).toBe(3_000);
  expect(nextPollMs(run(), new ApiError(404, {}))).toBe(false);
});

test("elapsed time counts on from what the server said", () => {
  expect(elapsedMs(run({ elapsedMs: 5_000 }), 13_000)).toBe(8_000);
  expect(elapsedMs(run({ elapsedMs: 5_000, status: "SUCCEEDED" }), 13_000)).toBe(5_000);
});

test("a clock that was set back does not take elapsed time back", () => {
  expect(elapsedMs(run({ elapsedMs: 5_000 }), 9_000)).toBe(5_000);
});

test("what is left counts down to nothing, and is unknown until it was measured", () => {
  expect(remainingMs(run({ estimatedRemainingMs: 5_000 }), 12_000)).toBe(3_000);
  expect(remainingMs(run({ estimatedRemainingMs: 5_000 }), 99_000)).toBe(0);
  expect(remainingMs(run({ estimatedRemainingMs: null }), 12_000)).toBeNull();
  expect(remainingMs(run({ estimatedRemainingMs: 5_000, status: "FAILED" }), 12_000)).toBeNull();
});
