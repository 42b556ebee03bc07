import { expect, test } from "vitest";

import { InvalidCsvError, splitIntoBatches, parsePreview, parseRecords } from "./csv";

test("a quoted cell keeps its commas, line breaks and quotes", () => {
  const text = 'a,b\r\n"1, ""one""\nline","2"\r\n3,\r\n';
  expect(parseRecords(text).records).toEqual([
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
  expect(parseRecords(text).records).toEqual(records);
});

test("the preview names columns and rows, whatever the order and the mark at the start", () => {
  const { columns, rows, errors } = parsePreview("\uFEFFexternalId, text\n1,It crashes\n\n2,Love it\n");
  expect(columns).toEqual(["externalId", "text"]);
  expect(rows).toEqual([
    ["1", "It crashes"],
    ["2", "Love it"],
  ]);
  expect(errors).toEqual([]);
});

test("rows that will be rejected are told with their number and why", () => {
  const { errors } = parsePreview(`text,source\nGood,mail\n ,mail\nfine,a,b\n${"x".repeat(10_001)},mail`);
  expect(errors).toEqual([
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
  expect(() => parsePreview(text)).toThrow(InvalidCsvError);
  expect(() => parsePreview(text)).toThrow(why);
});

test("a long file is cut into batches with a header each, and nothing is lost", () => {
  const rows = Array.from({ length: 7 }, (_, index) => `"row ${index}, said"`);
  const batches = splitIntoBatches(parsePreview(["text", ...rows].join("\n")), 3);
  expect(batches.map((batch) => batch.rows)).toEqual([3, 3, 1]);
  expect(batches.flatMap((batch) => parsePreview(batch.text).rows.map(([text]) => text))).toEqual(
    Array.from({ length: 7 }, (_, index) => `row ${index}, said`),
  );
});

test("a batch stays below the limit of bytes", () => {
  const rows = Array.from({ length: 40 }, () => "é".repeat(100));
  const batches = splitIntoBatches(parsePreview(["text", ...rows].join("\n")), 5_000, 2_000);
  expect(batches.length).toBeGreaterThan(1);
  for (const batch of batches) expect(new TextEncoder().encode(batch.text).length).toBeLessThanOrEqual(2_000);
});

test("a row that has too many cells is sent as it is, so that the server rejects it too", () => {
  const preview = parsePreview("text\nfine\nbad,one");
  expect(splitIntoBatches(preview).map((batch) => batch.text)).toEqual(["text\nfine\nbad,one"]);
});
