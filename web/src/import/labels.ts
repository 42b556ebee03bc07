/** Display names of encodings, delimiters and column roles. */

import type { ColumnRole } from "@/services/cards";
import type { Option } from "@/ui/Select";

const ENCODINGS: Record<string, string> = {
  "utf-8": "UTF-8",
  "utf-16-le": "UTF-16 (little endian)",
  "utf-16-be": "UTF-16 (big endian)",
  cp1252: "Western European (Windows-1252)",
  "iso8859-15": "Western European (ISO 8859-15)",
  "mac-roman": "Western European (Mac)",
  cp850: "Western European (DOS 850)",
  cp1250: "Central European (Windows-1250)",
  "iso8859-2": "Central European (ISO 8859-2)",
  cp1251: "Cyrillic (Windows-1251)",
  "koi8-r": "Cyrillic (KOI8-R)",
  cp1253: "Greek (Windows-1253)",
  cp1254: "Turkish (Windows-1254)",
  cp1255: "Hebrew (Windows-1255)",
  cp1256: "Arabic (Windows-1256)",
  cp874: "Thai (Windows-874)",
  cp932: "Japanese (Shift JIS)",
  "euc-jp": "Japanese (EUC-JP)",
  gb18030: "Chinese (GB 18030)",
  big5: "Chinese (Big5)",
  cp949: "Korean (CP949)",
};

const DELIMITERS: Record<string, string> = {
  ",": "Comma",
  ";": "Semicolon",
  "\t": "Tab",
  "|": "Vertical bar",
};
export const NO_DELIMITER = "none";

export const ROLES: readonly (Option & { value: ColumnRole })[] = [
  { value: "text", label: "Feedback text" },
  { value: "title", label: "Title" },
  { value: "externalId", label: "External id" },
  { value: "source", label: "Source" },
  { value: "postedAt", label: "Time" },
  { value: "metadata", label: "Metadata" },
  { value: "personal", label: "Personal data" },
];

export const encodingLabel = (name: string): string => ENCODINGS[name] ?? name;

export function encodingOptions(current: string): Option[] {
  const options = Object.entries(ENCODINGS).map(([value, label]) => ({ value, label }));
  return current in ENCODINGS ? options : [{ value: current, label: current }, ...options];
}

export function delimiterOptions(current: string | null): Option[] {
  const options = Object.entries(DELIMITERS).map(([value, label]) => ({ value, label }));
  return current === null ? [{ value: NO_DELIMITER, label: "None, one column" }, ...options] : options;
}

/** `google-play` as "Google Play". */
export function formatLabel(format: string): string {
  return format.replaceAll("-", " ").replace(/(^| )\p{L}/gu, (letter) => letter.toUpperCase());
}
