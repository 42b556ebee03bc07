/** Choose between requests of the API and one upload to the bucket. */

import { type Content, isRequestSize } from "./fileContent";
import { canSplit } from "./records";
import type { ShownPreview } from "./usePreview";

const MB = 1024 * 1024;
/**
 * Up to this size a file is sent in parts: some 40,000 short rows, about a minute with the page open. A larger one is
 * uploaded: the page must stay open for the transfer only.
 */
export const MIN_UPLOAD_BYTES = 10 * MB;
/** Limit of the server for a file in the bucket. */
export const MAX_UPLOAD_BYTES = 1024 * MB;
/** Limit of the server for one request. */
const MAX_REQUEST_ROWS = 5_000;

/** True for large files, and for files that need more than one request but cannot be split. */
export function needsUpload({ bytes, kind }: Content, preview: ShownPreview | undefined): boolean {
  if (bytes.size >= MIN_UPLOAD_BYTES) return true;
  const isText = kind === "text" || kind === "ndjson" || preview?.type === "ndjson";
  if (isText && (!preview || canSplit(preview.encoding))) return false;
  return !isRequestSize(bytes) || (preview?.rows ?? 0) > MAX_REQUEST_ROWS;
}
