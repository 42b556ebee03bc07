import type { RejectedRow } from "@/services/imports";

/** Rejected rows as a CSV file: line of the file, and reason. */
export function rejectedRowsCsv(rows: RejectedRow[]): Blob {
  const lines = rows.map(({ line, row, reason }) => `${line ?? ""},${row},${quoted(reason)}\n`);
  return new Blob(["line,row,reason\n", ...lines], { type: "text/csv" });
}

/** A spreadsheet would run a cell that begins with one of these signs. */
const quoted = (text: string) => `"${text.replace(/^[=+\-@]/, "'$&").replaceAll('"', '""')}"`;
