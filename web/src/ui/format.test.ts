import { describe, expect, it } from "vitest";
import { duration, timeLeft } from "./format";

describe("durations", () => {
  it("are as exact as they are short", () => {
    expect([840, 1_240, 59_000, 75_000, 5_400_000].map(duration)).toEqual([
      "840 ms",
      "1.2 s",
      "59 s",
      "1 min",
      "1 h 30 min",
    ]);
  });

  it("are not told to the millisecond where they are guessed", () => {
    expect([0, 999, 1_600].map(timeLeft)).toEqual(["a moment", "a moment", "about 1.6 s"]);
  });
});
