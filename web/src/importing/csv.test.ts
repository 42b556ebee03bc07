import { expect, test } from "vitest";

import { NoCards, piecesOf, previewOf, recordsOf } from "./csv";

test("a quoted cell keeps its commas, line breaks and quotes", () => {
  const text = 'a,b\r\n"1, ""one""\nline","2"\r\n3,\r\n';
  expect(recordsOf(text).records).toEqual([
    ["a", "b"],
    ['1, "one"\nline', "2"],
    ["3", ""],
  ]);
});

test.each([
  ["a,b", [["a", "b"]]],
  ["a,", [["a", ""]]],
  ["", []],
  ["\n", []],
])("%j is read to its end", (text, records) => {
  expect(recordsOf(text).records).toEqual(records);
});

test("the preview names columns and rows, whatever the order and the mark at the start", () => {
  const { columns, rows, problems } = previewOf("\uFEFFexternalId, text\n1,It crashes\n\n2,Love it\n");
  expect(columns).toEqual(["externalId", "text"]);
  expect(rows).toEqual([
    ["1", "It crashes"],
    ["2", "Love it"],
  ]);
  expect(problems).toEqual([]);
});

test("rows that will be rejected are told with their number and why", () => {
  const { problems } = previewOf(`text,source\nGood,mail\n ,mail\nfine,a,b\n${"x".repeat(10_001)},mail`);
  expect(problems).toEqual([
    { row: 2, reason: "“text” is empty" },
    { row: 3, reason: "3 cells, but the header has 2" },
    { row: 4, reason: "“text” has more than 10,000 characters" },
  ]);
});

test.each([
  ["review\nGood", "text"],
  ["text,text\na,b", "duplicate"],
  ["text\n\n", "no rows"],
  ['text\nGood\n"Bad\nand more', "unclosed"],
])("%j is no file of cards", (text, why) => {
  expect(() => previewOf(text)).toThrow(NoCards);
  expect(() => previewOf(text)).toThrow(why);
});

test("a long file is cut into pieces with a header each, and nothing is lost", () => {
  const rows = Array.from({ length: 7 }, (_, index) => `"row ${index}, said"`);
  const pieces = piecesOf(previewOf(["text", ...rows].join("\n")), 3);
  expect(pieces.map((piece) => piece.rows)).toEqual([3, 3, 1]);
  expect(pieces.flatMap((piece) => previewOf(piece.text).rows.map(([text]) => text))).toEqual(
    Array.from({ length: 7 }, (_, index) => `row ${index}, said`),
  );
});

test("a piece stays below the limit of bytes", () => {
  const rows = Array.from({ length: 40 }, () => "é".repeat(100));
  const pieces = piecesOf(previewOf(["text", ...rows].join("\n")), 5_000, 2_000);
  expect(pieces.length).toBeGreaterThan(1);
  for (const piece of pieces) expect(new TextEncoder().encode(piece.text).length).toBeLessThanOrEqual(2_000);
});

test("a row that has too many cells is sent as it is, so that the server rejects it too", () => {
  const preview = previewOf("text\nfine\nbad,one");
  expect(piecesOf(preview).map((piece) => piece.text)).toEqual(["text\nfine\nbad,one"]);
});
