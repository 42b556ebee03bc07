import { expect, test } from "vitest";

import { toEpic } from "@/services/epics";
import { toStory } from "@/services/stories";
import { toSubtask } from "@/services/subtasks";
import { anEpic, aStory, aSubtask } from "@/testing/samples";

import { byParent, codePath, filterBacklog, matcher, NO_FILTER, type Row, rowsOf } from "./tree";

const EPICS = [anEpic(1, { title: "Speed" }), anEpic(2, { title: "Maps", priority: "high" })].map(toEpic);
const STORIES = [
  aStory(1, 1, { title: "Start fast" }),
  aStory(2, 1, { title: "Offline maps", acceptanceCriteria: ["No signal is needed"], priority: "high" }),
  aStory(2, 2, { title: "Bigger print" }),
].map((story) => toStory(story));
const SUBTASKS = [
  aSubtask("E1-S1", 1, { title: "Measure" }),
  aSubtask("E2-S2", 1, { title: "Choose fonts", effort: "XL" }),
].map(toSubtask);
const WHOLE = byParent(EPICS, STORIES, SUBTASKS);
const ids = (rows: Row[]) => rows.map((row) => row.id.replace("p1-", ""));
const found = (filter: object) =>
  ids(
    rowsOf("epics", filterBacklog(WHOLE, matcher({ ...NO_FILTER, ...filter })), () => true).filter(
      (row) => "item" in row,
    ),
  );

test("children are seen only below what is open", () => {
  expect(ids(rowsOf("epics", WHOLE, () => false))).toEqual(["E1", "E2"]);
  const open = new Set(["p1-E2", "p1-E2-S2"]);
  const rows = rowsOf("epics", WHOLE, (id) => open.has(id));
  expect(ids(rows)).toEqual(["E1", "E2", "E2-S1", "E2-S2", "E2-S2-ST1"]);
  expect(rows.map((row) => row.depth)).toEqual([0, 0, 1, 1, 2]);
});

test("an open parent says whether its children are on their way or not there", () => {
  const waiting = { ...WHOLE, storiesOf: () => undefined };
  expect(rowsOf("epics", waiting, (id) => id === "p1-E1")[1]?.kind).toBe("loading");
  const none = { ...WHOLE, storiesOf: () => [] };
  expect(rowsOf("epics", none, (id) => id === "p1-E1")[1]?.kind).toBe("none");
});

test("stories and subtasks can be the roots", () => {
  expect(ids(rowsOf("stories", WHOLE, (id) => id === "p1-E2-S2"))).toEqual([
    "E1-S1",
    "E2-S1",
    "E2-S2",
    "E2-S2-ST1",
  ]);
  expect(ids(rowsOf("subtasks", WHOLE, () => true))).toEqual(["E1-S1-ST1", "E2-S2-ST1"]);
});

test("a search finds what fits at any depth, and shows what stands above it", () => {
  expect(found({ text: "fonts" })).toEqual(["E2", "E2-S2", "E2-S2-ST1"]);
  expect(found({ text: "no signal" })).toEqual(["E2", "E2-S1"]);
  expect(found({ text: "speed" })).toEqual(["E1"]);
  expect(found({ text: "nowhere" })).toEqual([]);
});

test("a preset about a field is not met by what lacks it", () => {
  expect(found({ priority: "high" })).toEqual(["E2", "E2-S1"]);
  expect(found({ effort: "XL" })).toEqual(["E2", "E2-S2", "E2-S2-ST1"]);
  expect(found({ priority: "high", effort: "XL" })).toEqual([]);
});

test("a code is told with those above it", () => {
  expect(codePath("p1-E3-S2")).toBe("E3 · S2");
});
