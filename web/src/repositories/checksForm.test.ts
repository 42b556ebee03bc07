import { describe, expect, it, test } from "vitest";

import { ApiError } from "@/api/errors";
import type { Checks } from "@/services/checks";

import { checksOf, envProblem, errorAt, formOf, isElsewhere } from "./checksForm";

const CHECKS: Checks = {
  setup: ["npm ci"],
  verify: ["npm test", "npm run lint"],
  allowed: ["npx"],
  network: "off",
  hosts: ["*.example.com"],
  timeoutS: 900,
  memoryMb: 1024,
  env: { CI: "1", OPTIONS: "--a=b" },
  requireReview: true,
  allowRedBaseline: true,
};

test("settings survive the form, also a value with an equals sign", () => {
  expect(checksOf(formOf(CHECKS))).toEqual(CHECKS);
});

test("empty lines are no commands", () => {
  expect(checksOf({ ...formOf(CHECKS), verify: "\n  npm test \n\n" })?.verify).toEqual(["npm test"]);
});

test("a repository without any setting has no checks", () => {
  expect(checksOf(formOf(null))).toBeNull();
  expect(checksOf({ ...formOf(null), requireReview: true })).toMatchObject({ requireReview: true });
});

test.each([
  ["CI=1\nEMPTY=", null],
  ["CI", "“CI” is no variable. Write NAME=value."],
  ["A=1\nA=2", "A is set twice."],
])("the variables %j", (text, problem) => {
  expect(envProblem(text)).toBe(problem);
});

describe("an error of the API", () => {
  const form = formOf(CHECKS);
  const invalid = (field: string) =>
    new ApiError(422, { code: "INVALID", message: "No.", details: [{ field, message: "is wrong" }] });

  it("names the line at fault", () => {
    expect(errorAt(invalid("checks.verify[1]"), "verify", form)).toBe("“npm run lint”: is wrong");
  });

  it("names the variable at fault", () => {
    expect(errorAt(invalid("checks.env.CI"), "env", form)).toBe("CI: is wrong");
  });

  it("stands at its own field alone", () => {
    expect(errorAt(invalid("checks.memoryMb"), "memoryMb", form)).toBe("is wrong");
    expect(errorAt(invalid("checks.memoryMb"), "timeoutS", form)).toBeNull();
  });

  it("is shown below the form if no field has it", () => {
    expect(isElsewhere(invalid("checks.memoryMb"))).toBe(false);
    expect(isElsewhere(invalid("name"))).toBe(true);
    expect(isElsewhere(new Error("lost"))).toBe(true);
  });
});
