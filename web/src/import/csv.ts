/** Parse a CSV like the server does, for the preview. Pure. */

export type RowError = { row: number; reason: string };
export type Preview = {
  columns: string[];
  /** The cells of each data row. */
  rows: string[][];
  /** Rows the server will reject; data rows count from 1. */
  errors: RowError[];
};

/** The file as a whole cannot be imported. */
export class InvalidCsvError extends Error {}

/** Well below the server's limit, so that progress is visible and no request times out. */
export const ROWS_PER_REQUEST = 500;
const BYTES_PER_REQUEST = 4 * 1024 * 1024;
const MAX_TEXT_LENGTH = 10_000;

export function parsePreview(text: string): Preview {
  const { records, unclosed } = parseRecords(text.replace(/^\uFEFF/, ""));
  const [header = [], ...data] = records;
  const columns = header.map((name) => name.trim());
  if (!columns.includes("text")) throw new InvalidCsvError("The header has no “text” column.");
  if (new Set(columns).size !== columns.length)
    throw new InvalidCsvError("The header has a duplicate column.");
  const rows = data.filter((cells) => cells.some((cell) => cell !== ""));
  if (rows.length === 0) throw new InvalidCsvError("The file has no rows below the header.");
  if (unclosed) throw new InvalidCsvError(`Row ${rows.length} has an unclosed quote.`);
  const errors = rows.flatMap((cells, index) => {
    const reason = rowError(columns, cells);
    return reason ? [{ row: index + 1, reason }] : [];
  });
  return { columns, rows, errors };
}

/** Split CSV text into records; quoted cells may contain commas, line breaks and doubled quotes. */
export function parseRecords(text: string): { records: string[][]; unclosed: boolean } {
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

type Batch = { text: string; rows: number };

/** Split the file into requests, each with the header. */
export function splitIntoBatches(
  { columns, rows }: Preview,
  maxRows = ROWS_PER_REQUEST,
  maxBytes = BYTES_PER_REQUEST,
): Batch[] {
  const header = line(columns);
  const batches: string[][] = [];
  let size = Infinity;
  for (const cells of rows) {
    const next = line(cells);
    // a unit of UTF-16 is at maxRows three maxBytes of UTF-8
    size += next.length * 3 + 1;
    if (size > maxBytes || (batches.at(-1)?.length ?? maxRows) >= maxRows) {
      batches.push([]);
      size = (header.length + next.length) * 3 + 2;
    }
    batches.at(-1)?.push(next);
  }
  return batches.map((lines) => ({ text: [header, ...lines].join("\n"), rows: lines.length }));
}

function rowError(columns: string[], cells: string[]): string | null {
  if (cells.length > columns.length) return `${cells.length} cells, but the header has ${columns.length}`;
  const text = cells[columns.indexOf("text")] ?? "";
  if (!text.trim()) return "“text” is empty";
  return text.length > MAX_TEXT_LENGTH
    ? `“text” has more than ${MAX_TEXT_LENGTH.toLocaleString("en")} characters`
    : null;
}

function line(cells: string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",");
}
