/** Split a file into parts between records. Each part repeats the lines above the first row. */

import { MAX_RECORD, type RecordEnd, RecordScanner, type RecordSyntax } from "./records";

/** Below the server's limits, so that progress is visible and no request times out. */
export const MAX_PART_ROWS = 1_000;
export const MAX_PART_BYTES = 2 * 1024 * 1024;
/** Small enough for the page to respond between two chunks. */
const CHUNK = 128 * 1024;

export type Cutting = { syntax: RecordSyntax; headEnd: number; firstLine: number };
/** A position between two parts. */
export type Position = { number: number; offset: number; line: number; rows: number };
export type FileRecord = {
  start: number;
  end: number;
  line: number;
  nextLine: number;
  blank: boolean;
  stray: boolean;
};
export type Part = { at: Position; next: Position; records: FileRecord[] };

/** End of a file's head, if a record begins at `firstLine`; otherwise null. */
export async function findHead(file: Blob, syntax: RecordSyntax, firstLine: number): Promise<Cutting | null> {
  if (firstLine <= 1) return { syntax, headEnd: 0, firstLine: 1 };
  for await (const record of recordsOf(file, syntax)) {
    if (record.nextLine > firstLine) return null;
    if (record.nextLine === firstLine) return { syntax, headEnd: record.end, firstLine };
  }
  return null;
}

/** Yield the parts from `from` on. The same file is always split in the same way. */
export async function* partsOf(file: Blob, cutting: Cutting, from?: Position): AsyncGenerator<Part> {
  let at = from ?? { number: 1, offset: cutting.headEnd, line: cutting.firstLine, rows: 0 };
  let records: FileRecord[] = [];
  for await (const record of recordsOf(file, cutting.syntax, at.offset, at.line)) {
    if (isFull(records, record)) {
      const part = toPart(at, records);
      yield part;
      [at, records] = [part.next, []];
    }
    records.push(record);
  }
  if (records.length > 0) yield toPart(at, records);
}

/** A row with a stray quote gets a part of its own: the server would read the rows below as part of it. */
function isFull(records: FileRecord[], next: FileRecord): boolean {
  const [first, last] = [records[0], records.at(-1)];
  if (!first || !last) return false;
  if (last.stray || next.stray) return true;
  return records.length >= MAX_PART_ROWS || next.end - first.start > MAX_PART_BYTES;
}

function toPart(at: Position, records: FileRecord[]): Part {
  const rows = records.filter(({ blank }) => !blank).length;
  const { end: offset, nextLine: line } = records.at(-1) ?? { end: at.offset, nextLine: at.line };
  return { at, records, next: { number: at.number + 1, offset, line, rows: at.rows + rows } };
}

export function partBody(file: Blob, cutting: Cutting, { at, next }: Part): Blob {
  return new Blob([file.slice(0, cutting.headEnd), file.slice(at.offset, next.offset)]);
}

/** Convert a line number of the part to one of the file. */
export function lineInFile(cutting: Cutting, part: Part, line: number): number {
  return part.at.line + line - cutting.firstLine;
}

export async function* recordsOf(
  file: Blob,
  syntax: RecordSyntax,
  offset = 0,
  line = 1,
): AsyncGenerator<FileRecord> {
  let scanner = new RecordScanner(syntax, offset, line);
  let [start, startLine, read] = [offset, line, offset];
  const next = (end: RecordEnd, stray = false): FileRecord => {
    const record = { start, end: end.offset, line: startLine, nextLine: end.line, blank: end.blank, stray };
    [start, startLine] = [end.offset, end.line];
    return record;
  };
  while (read < file.size || scanner.open > 0) {
    const isLast = read >= file.size;
    const chunk = isLast ? null : new Uint8Array(await file.slice(read, read + CHUNK).arrayBuffer());
    const ends = chunk ? scanner.feed(chunk) : scanner.isQuoted ? [] : scanner.finish();
    read += chunk?.length ?? 0;
    for (const end of ends) yield next(end);
    if (scanner.isQuoted && (isLast || scanner.open > MAX_RECORD)) {
      yield next(await firstLineEnd(file, syntax, start, startLine), true);
      scanner = new RecordScanner(syntax, start, startLine);
      read = start;
    } else if (isLast) return;
  }
}

async function firstLineEnd(
  file: Blob,
  syntax: RecordSyntax,
  start: number,
  line: number,
): Promise<RecordEnd> {
  const scanner = new RecordScanner({ ...syntax, quotes: false }, start, line);
  for (let at = start; at < file.size; at += CHUNK) {
    const [end] = scanner.feed(new Uint8Array(await file.slice(at, at + CHUNK).arrayBuffer()));
    if (end) return end;
  }
  return scanner.finish()[0] ?? { offset: file.size, line: line + 1, blank: false };
}
