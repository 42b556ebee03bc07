import { expect, test } from "vitest";

import { aCard } from "@/testing/samples";

import { filterCards, NOT_ANALYZED, NO_FILTER } from "./filter";

const ANALYSIS = {
  summary: "It drains the battery.",
  theme: "battery",
  kind: "bug",
  severity: "high",
  sentiment: "negative",
  keywords: ["drain"],
  madeBy: "mock",
} as const;
const CARDS = [
  aCard(1, { text: "Empty in two hours", analysis: { ...ANALYSIS, keywords: [...ANALYSIS.keywords] } }),
  aCard(2, {
    text: "Love it",
    analysis: {
      ...ANALYSIS,
      kind: "praise",
      severity: "low",
      summary: "It is liked.",
      theme: "praise",
      keywords: [],
    },
  }),
  aCard(3, { text: "Not looked at", source: "Store" }),
];
const found = (filter: object) => filterCards(CARDS, { ...NO_FILTER, ...filter }).map((card) => card.id);

test("without a filter the list itself is returned", () => {
  expect(filterCards(CARDS, NO_FILTER)).toBe(CARDS);
});

test("cards are found by their words, their source and what the analysis says", () => {
  expect(found({ text: "HOURS" })).toEqual(["p1-C1"]);
  expect(found({ text: "store" })).toEqual(["p1-C3"]);
  expect(found({ text: "drain" })).toEqual(["p1-C1"]);
});

test("wishes come together, and a card without an analysis meets none about it", () => {
  expect(found({ kind: "bug", severity: "high" })).toEqual(["p1-C1"]);
  expect(found({ kind: "bug", severity: "low" })).toEqual([]);
  expect(found({ sentiment: "negative" })).toEqual(["p1-C1", "p1-C2"]);
});

test("cards that are not analysed yet can be asked for", () => {
  expect(found({ kind: NOT_ANALYZED })).toEqual(["p1-C3"]);
  expect(found({ kind: NOT_ANALYZED, severity: "high" })).toEqual([]);
});
