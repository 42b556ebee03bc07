import { expect, it } from "vitest";

import { describeSchedule, isCronExpression, onceAt, PRESETS } from "./schedule";

it("tells the API a moment, whatever the clock of this machine says", () => {
  const timing = onceAt("2030-03-01T09:00", "UTC");
  expect(new Date(timing.at ?? "").getTime()).toBe(new Date("2030-03-01T09:00").getTime());
  expect(timing.timezone).toBe("UTC");
});

it("takes six fields with one of the days left open", () => {
  expect(PRESETS.every(({ cron }) => isCronExpression(cron))).toBe(true);
  expect(["0 9 * * *", "0 9 * * * *", "0 9 ? * ? *", "x y z a b c", ""].filter(isCronExpression)).toEqual([]);
});

it("reads as a person would say it", () => {
  const zone = { timezone: "UTC", who: "Ada" };
  expect(describeSchedule({ ...zone, expression: "at(2030-03-01T09:00:00)" })).toBe(
    "once at 2030-03-01 09:00 (UTC)",
  );
  expect(describeSchedule({ ...zone, expression: "cron(0 2 * * ? *)" })).toBe("Daily at 2:00 (UTC)");
  expect(describeSchedule({ ...zone, expression: "cron(5 4 * * ? *)" })).toBe("cron 5 4 * * ? * (UTC)");
});
