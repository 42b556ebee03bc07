import { expect, test } from "vitest";

import { findCycles } from "./import-cycles.js";

test("a cycle is reported with its path", () => {
  const imports = new Map([
    ["page", ["dialog"]],
    ["dialog", ["props"]],
    ["props", ["page"]],
  ]);
  expect(findCycles(imports)).toEqual([["page", "dialog", "props", "page"]]);
});

test("a module imported twice is no cycle", () => {
  const imports = new Map([
    ["page", ["a", "b"]],
    ["a", ["shared"]],
    ["b", ["shared"]],
  ]);
  expect(findCycles(imports)).toEqual([]);
});
