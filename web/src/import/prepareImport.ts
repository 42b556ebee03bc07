/** Create the state of a new import: hash, parameters, and how to split the file. */

import { type Choices, importQuery } from "./choices";
import { hashFile } from "./contentHash";
import type { Content } from "./fileContent";
import { type ImportState, NO_TOTALS } from "./importState";
import { type Cutting, findHead, MAX_PART_BYTES, MAX_PART_ROWS } from "./parts";
import { canSplit, csvSyntax, LINES } from "./records";
import type { ShownPreview } from "./usePreview";

export async function prepareImport(
  projectId: string,
  { name, bytes, kind }: Content,
  preview: ShownPreview,
  choices: Choices,
  onProgress: (share: number) => void,
): Promise<ImportState> {
  const isSmall = preview.isWhole && preview.rows <= MAX_PART_ROWS && bytes.size <= MAX_PART_BYTES;
  const cutting = isSmall ? null : await cuttingOf({ name, bytes, kind }, preview);
  const hash = await hashFile(bytes, onProgress);
  const query = importQuery(kind, choices, preview, cutting !== null);
  return { projectId, name, kind, size: bytes.size, hash, query, cutting, next: null, totals: NO_TOTALS };
}

async function cuttingOf({ bytes, kind }: Content, preview: ShownPreview): Promise<Cutting | null> {
  const { firstLine, encoding, delimiter, type } = preview;
  const isText = kind === "text" || kind === "ndjson" || (kind === "json" && type === "ndjson");
  if (!isText || firstLine === null || !canSplit(encoding)) return null;
  const table = csvSyntax(delimiter, encoding);
  const syntax = type === "ndjson" ? { ...LINES, unit: table.unit, low: table.low } : table;
  return findHead(bytes, syntax, firstLine);
}
