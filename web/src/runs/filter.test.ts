import { expect, test } from "vitest";

import { toItem } from "@/services/runs";
import { anItem } from "@/testing/samples";

import { filterItems } from "./filter";

const ITEMS = [
  anItem(0, { title: "Login", status: "FAILED", errorMsg: "The answer was cut off" }),
  anItem(1, { title: "Maps", status: "SAVING" }),
  anItem(2, { title: "Offline maps" }),
].map(toItem);
const titles = (...asked: Parameters<typeof filterItems> extends [unknown, ...infer Rest] ? Rest : never) =>
  filterItems(ITEMS, ...asked).map((item) => item.title);

test("nothing asked for is the list itself", () => {
  expect(filterItems(ITEMS, "all", " ")).toBe(ITEMS);
});

test("items are found by status, by what is in flight and by words", () => {
  expect(titles("FAILED", "")).toEqual(["Login"]);
  expect(titles("active", "")).toEqual(["Maps"]);
  expect(titles("all", "maps")).toEqual(["Maps", "Offline maps"]);
  expect(titles("PENDING", "MAPS")).toEqual(["Offline maps"]);
});

test("an item is found by its error too", () => {
  expect(titles("all", "cut off")).toEqual(["Login"]);
});
