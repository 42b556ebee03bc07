/** Write rejected rows as a CSV file: line, reason, and the unchanged bytes of the row. */

import type { ImportState, Rejection } from "./importState";
import { recordsOf } from "./parts";

export async function rejectedCsv(rejected: Rejection[], file: Blob, state: ImportState): Promise<Blob> {
  const delimiter = typeof state.query.delimiter === "string" ? state.query.delimiter : ",";
  const { cutting } = state;
  const isUtf8 = state.query.charset === "utf-8";
  // our ASCII columns fit only into an encoding that contains ASCII
  const isPlain = cutting?.syntax.quotes === true && cutting.syntax.unit === 1;
  if (!isPlain) return new Blob([rows(["line", "reason"], rejected, ",")], { type: "text/csv" });
  const parts: BlobPart[] = [`line${delimiter}reason${delimiter}`, await headerRow(file, cutting.headEnd)];
  for (const one of rejected) {
    parts.push(`${one.line ?? ""}${delimiter}${quoted(isUtf8 ? one.reason : ascii(one.reason))}${delimiter}`);
    parts.push(one.start === undefined ? "\n" : await ended(file.slice(one.start, one.end)));
  }
  return new Blob(parts, { type: "text/csv" });
}

async function headerRow(file: Blob, headEnd: number): Promise<Blob> {
  const head = file.slice(0, headEnd);
  let header = head;
  const syntax = { quotes: true, delimiters: [0x2c, 0x3b, 0x09, 0x7c], unit: 1 as const, low: 0 as const };
  for await (const { start, end, blank } of recordsOf(head, syntax)) {
    if (!blank) header = head.slice(start, end);
  }
  const mark = new Uint8Array(await header.slice(0, 3).arrayBuffer());
  const isMarked = mark[0] === 0xef && mark[1] === 0xbb && mark[2] === 0xbf;
  return ended(isMarked ? header.slice(3) : header);
}

/** The last row of a file may have no line end. */
async function ended(record: Blob): Promise<Blob> {
  const [last] = new Uint8Array(await record.slice(-1).arrayBuffer());
  return last === 0x0a || last === 0x0d ? record : new Blob([record, "\n"]);
}

function rows(header: string[], rejected: Rejection[], delimiter: string): string {
  const lines = rejected.map(({ line, row, reason }) => [String(line ?? row), quoted(reason)]);
  return [header, ...lines].map((cells) => `${cells.join(delimiter)}\n`).join("");
}

const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const ascii = (text: string) => text.replace(/[^\x20-\x7e]/gu, "?");
