import { expect, test } from "vitest";

import { findHead, lineInFile, MAX_PART_ROWS, type Part, partBody, partsOf, recordsOf } from "./parts";
import { csvSyntax, LINES, MAX_RECORD, type RecordSyntax } from "./records";

const COMMA = csvSyntax(",", "utf-8");

async function records(text: string | Uint8Array<ArrayBuffer>, syntax: RecordSyntax = COMMA) {
  const file = new Blob([text]);
  const found: string[] = [];
  for await (const { start, end } of recordsOf(file, syntax)) found.push(await file.slice(start, end).text());
  return found;
}

async function parts(file: Blob, firstLine: number, syntax = COMMA) {
  const cutting = await findHead(file, syntax, firstLine);
  if (!cutting) throw new Error("no head");
  const found: Part[] = [];
  for await (const part of partsOf(file, cutting)) found.push(part);
  return { cutting, found };
}

test("a line break, a delimiter and a doubled quote inside quotes end no record", async () => {
  const rows = ["text,n\r\n", '"a ""b""\r\nc,\nd",1\r\n', "e,2\r", "f,3\n", "g,4"];
  expect(await records(rows.join(""))).toEqual(rows);
});

test("a quote in the middle of a cell opens nothing", async () => {
  const rows = ["text,n\n", 'a 5" screen,1\n', 'b "quoted" word,2\n'];
  expect(await records(rows.join(""))).toEqual(rows);
});

test("only the file's own delimiter begins a cell that may be quoted", async () => {
  const text = 'text;n\na, "b\nc;1\n';
  expect(await records(text, csvSyntax(";", "utf-8"))).toHaveLength(3);
});

test("a quoted first header behind a byte order mark is one record", async () => {
  expect(await records('\uFEFF"Review\nText",n\na,1\n')).toHaveLength(2);
});

test("lines of JSON end at their line ends, whatever their quotes", async () => {
  expect(await records('{"text":"a\\"b"}\n\n{"text":"c', LINES)).toHaveLength(3);
});

test("UTF-16 is cut between its code units", async () => {
  const text = 'text,n\n"ਊ\n",1\nĊਢ,2\n';
  for (const encoding of ["utf-16-le", "utf-16-be"]) {
    const bytes = new Uint8Array(2 + 2 * text.length);
    const view = new DataView(bytes.buffer);
    const little = encoding.endsWith("le");
    view.setUint16(0, 0xfeff, little);
    for (let at = 0; at < text.length; at++) view.setUint16(2 + 2 * at, text.charCodeAt(at), little);
    const ends: number[] = [];
    for await (const { end } of recordsOf(new Blob([bytes]), csvSyntax(",", encoding))) ends.push(end);
    const rows = ["text,n\n", '"ਊ\n",1\n', "Ċਢ,2\n"];
    expect(ends).toEqual(rows.map((_, at) => 2 + 2 * rows.slice(0, at + 1).join("").length));
  }
});

test("each record is found once, wherever a chunk of the file ends", async () => {
  const rows = Array.from({ length: 9_000 }, (_, at) => `"${"x".repeat(at % 37)}\r\n""${at}""",${at}\r\n`);
  expect(await records(`text,n\r\n${rows.join("")}`)).toEqual(["text,n\r\n", ...rows]);
});

test("a part repeats all that stands above the first row", async () => {
  const head = 'Report of May\n\n"Feedback\nof users",n\n';
  const rows = Array.from({ length: MAX_PART_ROWS + 2 }, (_, at) => `"row\n${at}",1\n`);
  const file = new Blob([head, ...rows]);
  const { cutting, found } = await parts(file, 5);
  expect(found).toHaveLength(2);
  const [first, second] = found as [Part, Part];
  expect(await partBody(file, cutting, first).text()).toBe(head + rows.slice(0, MAX_PART_ROWS).join(""));
  expect(await partBody(file, cutting, second).text()).toBe(head + rows.slice(MAX_PART_ROWS).join(""));
  // the second part's line 7 is its second row
  expect(lineInFile(cutting, second, 7)).toBe(5 + 2 * (MAX_PART_ROWS + 1));
});

test("cutting goes on from any part as it began", async () => {
  const rows = Array.from({ length: 3 * MAX_PART_ROWS }, (_, at) => `"row\n${at}",1\n`);
  const file = new Blob(["text,n\n", ...rows]);
  const { cutting, found } = await parts(file, 2);
  const again: Part[] = [];
  for await (const part of partsOf(file, cutting, found[0]?.next)) again.push(part);
  expect(again).toEqual(found.slice(1));
});

test("a head that ends inside a record cannot be repeated", async () => {
  expect(await findHead(new Blob(['text,n\n"a\nb",1\nc,2\n']), COMMA, 3)).toBeNull();
});

test("a quote that is never closed takes no other row with it", async () => {
  const rows = ["a,1\n", '"never closed,2\n', ...Array.from({ length: 30 }, (_, at) => `c${at},3\n`)];
  const { found } = await parts(new Blob(["text,n\n", ...rows]), 2);
  expect(found.map((part) => part.records.length)).toEqual([1, 1, 30]);
  const long = [
    "a,1\n",
    '"never closed,2\n',
    ...Array.from({ length: 9 }, () => `${"x".repeat(MAX_RECORD / 4)},3\n`),
  ];
  const cut = (await parts(new Blob(["text,n\n", ...long]), 2)).found;
  expect(cut.flatMap((part) => part.records.map((record) => record.line))).toEqual(
    long.map((_, at) => at + 2),
  );
});
