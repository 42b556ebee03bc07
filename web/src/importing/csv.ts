/** Reads a CSV as the server does, to show what is in it before it is sent. Pure. */

export type Problem = { row: number; reason: string };
export type Preview = {
  columns: string[];
  /** The cells of each data row. */
  rows: string[][];
  /** Rows that the server will reject, with the number of the data row, from 1. */
  problems: Problem[];
};

/** What is wrong with the whole file. */
export class NoCards extends Error {}

/** The server takes ten times as many; in smaller pieces a long file shows how far it is, and none comes too late. */
export const ROWS_A_CALL = 500;
export const BYTES_A_CALL = 4 * 1024 * 1024;
const MOST_TEXT = 10_000;

export function previewOf(text: string): Preview {
  const { records, unclosed } = recordsOf(text.replace(/^\uFEFF/, ""));
  const [header = [], ...data] = records;
  const columns = header.map((name) => name.trim());
  if (!columns.includes("text")) throw new NoCards("The header has no “text” column.");
  if (new Set(columns).size !== columns.length) throw new NoCards("The header has a duplicate column.");
  const rows = data.filter((cells) => cells.some((cell) => cell !== ""));
  if (rows.length === 0) throw new NoCards("The file has no rows below the header.");
  if (unclosed) throw new NoCards(`Row ${rows.length} has an unclosed quote.`);
  const problems = rows.flatMap((cells, index) => {
    const reason = problemOf(columns, cells);
    return reason ? [{ row: index + 1, reason }] : [];
  });
  return { columns, rows, problems };
}

/** Cells of each line; a quoted cell may hold commas, line breaks and doubled quotes. */
export function recordsOf(text: string): { records: string[][]; unclosed: boolean } {
  const records: string[][] = [];
  let cells: string[] = [];
  let unclosed = false;
  const cell = /(?:"((?:[^"]|"")*)("?)([^,\r\n]*)|([^,\r\n]*))(,|\r\n|\n|\r|$)/g;
  while (cell.lastIndex <= text.length) {
    const found = cell.exec(text);
    if (!found) break;
    const [whole, quoted, close, after = "", plain = "", end] = found;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"') + after);
    unclosed ||= quoted !== undefined && close === "";
    if (end === ",") continue;
    records.push(cells);
    cells = [];
    if (end === "" || whole === "") break;
  }
  return { records: records.filter((one) => one.length > 1 || one[0] !== ""), unclosed };
}

export type Piece = { text: string; rows: number };

/** The file in pieces: a header and at most so many rows each. */
export function piecesOf({ columns, rows }: Preview, most = ROWS_A_CALL, bytes = BYTES_A_CALL): Piece[] {
  const header = line(columns);
  const pieces: string[][] = [];
  let size = Infinity;
  for (const cells of rows) {
    const next = line(cells);
    // a unit of UTF-16 is at most three bytes of UTF-8
    size += next.length * 3 + 1;
    if (size > bytes || (pieces.at(-1)?.length ?? most) >= most) {
      pieces.push([]);
      size = (header.length + next.length) * 3 + 2;
    }
    pieces.at(-1)?.push(next);
  }
  return pieces.map((lines) => ({ text: [header, ...lines].join("\n"), rows: lines.length }));
}

function problemOf(columns: string[], cells: string[]): string | null {
  if (cells.length > columns.length) return `${cells.length} cells, but the header has ${columns.length}`;
  const text = cells[columns.indexOf("text")] ?? "";
  if (!text.trim()) return "“text” is empty";
  return text.length > MOST_TEXT ? `“text” has more than ${MOST_TEXT.toLocaleString("en")} characters` : null;
}

function line(cells: string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",");
}
