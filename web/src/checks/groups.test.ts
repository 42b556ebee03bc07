import { expect, test } from "vitest";

import { aTaskCheck } from "@/testing/samples";

import { groupChecks } from "./groups";

test("commands of one check belong together, those of another attempt or occasion do not", () => {
  const landing = { kind: "landing", attempt: 2, startedAt: "2026-03-01T13:00:00.000Z" } as const;
  const groups = groupChecks([
    aTaskCheck("npm ci", landing),
    aTaskCheck("npm test", landing),
    aTaskCheck("npm test", { attempt: 2, startedAt: "2026-03-01T12:30:00.000Z" }),
    aTaskCheck("npm test"),
  ]);
  expect(groups.map(({ title, commands }) => [title, commands.length])).toEqual([
    ["Before landing, attempt 2", 2],
    ["In the session, attempt 2", 1],
    ["In the session, attempt 1", 1],
  ]);
});
