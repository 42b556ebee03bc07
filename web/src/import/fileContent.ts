/** Detect the type of a file from its first bytes; compress and decompress gzip. Text is not decoded. */

import { ANY_CSV, LINES, type RecordSyntax } from "./records";
import { recordsOf } from "./parts";

export type FileKind = "text" | "ndjson" | "json" | "xlsx" | "zip" | "gzip";
export type Content = {
  name: string;
  /** Content, unpacked if the file is gzip. */
  bytes: Blob;
  kind: FileKind;
  /** The gzip file itself. */
  packed?: Blob;
};

/** Limit of the gateway for one request. */
export const MAX_BODY = 4_400_000;
const MAX_PREVIEW = 2 * 1024 * 1024;
const MAX_UNPACKED = 1024 * 1024 * 1024;
const WORTH_PACKING = 512 * 1024;
const MB = 1024 * 1024;

/** Error with a message for the user. */
export class UnreadableFileError extends Error {}

/** The file does not fit into a request, and cannot be split: no preview is possible. */
export class NoPreviewError extends UnreadableFileError {}

export async function openFile(file: File): Promise<Content> {
  if (file.size === 0) throw new UnreadableFileError("The file is empty.");
  try {
    const kind = await kindOf(file, file.name);
    const unpacked = kind === "gzip" ? await gunzip(file) : null;
    if (!unpacked) return { name: file.name, bytes: file, kind };
    return {
      name: file.name,
      bytes: unpacked,
      kind: await kindOf(unpacked, file.name.replace(/\.gz$/i, "")),
      packed: file,
    };
  } catch (error) {
    if (error instanceof UnreadableFileError) throw error;
    throw new UnreadableFileError("The browser cannot read this file. Was it moved, or is it a folder?");
  }
}

export async function kindOf(file: Blob, name: string): Promise<FileKind> {
  const start = new Uint8Array(await file.slice(0, 4096).arrayBuffer());
  if (start[0] === 0x1f && start[1] === 0x8b) return "gzip";
  if (start[0] === 0x50 && start[1] === 0x4b) return /\.xls[xm]$/i.test(name) ? "xlsx" : "zip";
  const first = String.fromCharCode(...start.filter((byte) => byte > 0x20 && byte < 0x7f)).slice(0, 2);
  if (/\.(ndjson|jsonl)$/i.test(name) && first.startsWith("{")) return "ndjson";
  return first === "[{" || first.startsWith("{") || /\.json$/i.test(name) ? "json" : "text";
}

/** Value of `?type=`; the server detects the content of a zip. */
export function typeOf(kind: FileKind): string | undefined {
  return { text: "csv", ndjson: "ndjson", json: undefined, xlsx: "xlsx", zip: undefined, gzip: undefined }[
    kind
  ];
}

/** Beginning of a text file up to the end of a record; any other file as a whole. */
export async function previewPart({ bytes, kind }: Content): Promise<{ body: Blob; isWhole: boolean }> {
  const isCut = (kind === "text" || kind === "ndjson") && bytes.size > MAX_PREVIEW;
  if (!isCut) return { body: bytes, isWhole: true };
  let end = 0;
  for await (const record of recordsOf(bytes, await roughSyntax(bytes, kind))) {
    if (record.end > MAX_PREVIEW) break;
    end = record.end;
  }
  return { body: bytes.slice(0, end || MAX_PREVIEW), isWhole: false };
}

async function roughSyntax(bytes: Blob, kind: FileKind): Promise<RecordSyntax> {
  const [a, b, c, d] = new Uint8Array(await bytes.slice(0, 4).arrayBuffer());
  const syntax = kind === "ndjson" ? LINES : ANY_CSV;
  if ((a === 0xff && b === 0xfe) || (b === 0 && d === 0)) return { ...syntax, unit: 2 };
  if ((a === 0xfe && b === 0xff) || (a === 0 && c === 0)) return { ...syntax, unit: 2, low: 1 };
  return syntax;
}

/** Body of one request; compressed if that makes it smaller. */
export async function requestBody(
  body: Blob,
  kind: FileKind,
): Promise<{ body: Blob; headers: Record<string, string> }> {
  const isPacked = kind === "zip" || kind === "xlsx" || kind === "gzip";
  if (body.size > WORTH_PACKING && !isPacked && "CompressionStream" in globalThis) {
    const packed = await piped(body, new CompressionStream("gzip"));
    return { body: checked(packed), headers: { "content-encoding": "gzip" } };
  }
  return { body: checked(body), headers: {} };
}

function checked(body: Blob): Blob {
  if (body.size <= MAX_BODY) return body;
  throw new NoPreviewError(
    `The file is too large for a preview: ${megabytes(body.size)}; the limit is ${megabytes(MAX_BODY)}.`,
  );
}

export const isRequestSize = ({ size }: Blob): boolean => size <= MAX_BODY;

export const megabytes = (size: number) => `${(size / MB).toFixed(1)} MB`;

async function gunzip(file: Blob): Promise<Blob | null> {
  // the server unpacks it then
  if (!("DecompressionStream" in globalThis)) return null;
  let size = 0;
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.length;
      if (size <= MAX_UNPACKED) controller.enqueue(chunk);
      else controller.error(new UnreadableFileError("Unpacked, the file is larger than 1 GB."));
    },
  });
  try {
    const unpacked = file.stream().pipeThrough(new DecompressionStream("gzip")).pipeThrough(bounded);
    return await new Response(unpacked).blob();
  } catch (error) {
    if (size > MAX_UNPACKED) throw new UnreadableFileError("Unpacked, the file is larger than 1 GB.");
    if (error instanceof TypeError) throw new UnreadableFileError("The gzip data is damaged or cut off.");
    throw error;
  }
}

function piped(body: Blob, through: CompressionStream): Promise<Blob> {
  return new Response(body.stream().pipeThrough(through)).blob();
}
