/** Upload a file to the bucket, then start the run that imports it. */

import { ApiError, isRetryable } from "@/api/errors";
import { uploadFile } from "@/api/upload";
import { createImport, startImport } from "@/services/imports";

import { type Choices, importQuery, previewQuery } from "./choices";
import { type Content, megabytes, UnreadableFileError } from "./fileContent";
import { pause } from "./pause";
import { MAX_UPLOAD_BYTES } from "./uploadChoice";
import type { ShownPreview } from "./usePreview";

export type UploadStep = { phase: "uploading" | "starting" | "waiting"; share: number };
export type UploadRequest = { content: Content; preview: ShownPreview | null; choices: Choices };
export type StartedImport = { importId: string; runId: string; name: string };

type Options = { signal: AbortSignal; onStep: (step: UploadStep) => void; delayMs?: number };

const ATTEMPTS = 4;

export async function uploadImport(
  projectId: string,
  request: UploadRequest,
  { signal, onStep, delayMs = 3_000 }: Options,
): Promise<StartedImport> {
  const { name, bytes, packed } = request.content;
  // a compressed file is sent as it is: the server unpacks it
  const file = packed ?? bytes;
  if (file.size > MAX_UPLOAD_BYTES)
    throw new UnreadableFileError(
      `The file has ${megabytes(file.size)}; the limit is ${megabytes(MAX_UPLOAD_BYTES)}. Split it into several files.`,
    );
  onStep({ phase: "uploading", share: 0 });
  const created = await createImport(projectId, { name, size: file.size, parameters: parametersOf(request) });
  await uploadFile(created.upload, file, {
    signal,
    onProgress: (share) => onStep({ phase: "uploading", share }),
  });
  onStep({ phase: "starting", share: 1 });
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      const { runId } = await startImport(created.importId, signal);
      return { importId: created.importId, runId, name };
    } catch (error) {
      const isBusy = error instanceof ApiError && error.code === "RUN_ALREADY_ACTIVE";
      if (!isBusy && (!isRetryable(error) || attempt >= ATTEMPTS)) throw error;
      if (isBusy) onStep({ phase: "waiting", share: 1 });
      await pause(delayMs, signal);
    }
  }
}

/** Parameters of the API's import, without empty ones. */
function parametersOf({ content, preview, choices }: UploadRequest): Record<string, unknown> {
  const query = preview
    ? importQuery(content.kind, choices, preview, !preview.isWhole)
    : previewQuery(content.kind, choices, []);
  const given = Object.entries(query).filter(([, value]) => {
    const isEmpty = Array.isArray(value) && value.length === 0;
    return value !== null && value !== undefined && !isEmpty;
  });
  return Object.fromEntries(given);
}
