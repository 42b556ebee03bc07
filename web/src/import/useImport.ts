import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { cardKeys } from "@/services/cards";
import { projectKeys } from "@/services/projects";

import type { Choices } from "./choices";
import { hashFile } from "./contentHash";
import { type Content, openFile, UnreadableFileError } from "./fileContent";
import { fileStore, forgetImport, type ImportState, savedImport, saveImport } from "./importState";
import { prepareImport } from "./prepareImport";
import { sendImport } from "./sendImport";
import type { ShownPreview } from "./usePreview";

export type ImportStep = { label: string; share: number };
type Job = { file: Blob; state: ImportState };
type Request = { content: Content; preview: ShownPreview; choices: Choices } | { resume: File | null };

/** Start, stop and resume an import. */
export function useImport(projectId: string) {
  const queries = useQueryClient();
  const stopping = useRef<AbortController | null>(null);
  const [step, setStep] = useState<ImportStep | null>(null);
  const [saved, setSaved] = useState(() => savedImport(projectId));
  const checking = (share: number) => setStep({ label: "Reading the file", share });

  const run = async (request: Request) => {
    const stop = (stopping.current = new AbortController());
    const { file, state } =
      "resume" in request
        ? await resumed(projectId, request.resume, checking)
        : await started(projectId, request, checking);
    setStep(stepOf(state));
    const onProgress = (next: ImportState) => setStep(stepOf(next));
    const totals = await sendImport(state, file, { signal: stop.signal, onProgress });
    await forgetImport(projectId);
    return { totals, file, state };
  };
  const sending = useMutation({
    mutationFn: run,
    onSettled: () => {
      setStep(null);
      setSaved(savedImport(projectId));
      return Promise.all([
        queries.invalidateQueries({ queryKey: projectKeys.all }),
        queries.invalidateQueries({ queryKey: cardKeys.list(projectId) }),
      ]);
    },
  });
  const discard = async () => {
    await forgetImport(projectId);
    setSaved(null);
    sending.reset();
  };
  const isStopped = isAbort(sending.error);
  return {
    start: sending.mutate,
    stop: () => stopping.current?.abort(),
    discard,
    isSending: sending.isPending,
    step,
    saved,
    result: sending.data,
    error: isStopped ? null : sending.error,
  };
}

export type ImportResult = NonNullable<ReturnType<typeof useImport>["result"]>;

/** The browser no longer has the file: the user must choose it again. */
export class FileNeededError extends Error {
  override readonly name = "FileNeededError";
}

async function started(
  projectId: string,
  { content, preview, choices }: Exclude<Request, { resume: unknown }>,
  onProgress: (share: number) => void,
): Promise<Job> {
  const state = await prepareImport(projectId, content, preview, choices, onProgress);
  saveImport(state);
  // without the stored file the user chooses it again to resume
  await fileStore.put(projectId, content.bytes).catch(() => undefined);
  return { state, file: content.bytes };
}

async function resumed(
  projectId: string,
  chosen: File | null,
  onProgress: (share: number) => void,
): Promise<Job> {
  const state = savedImport(projectId);
  if (!state) throw new Error("The browser no longer has this import.");
  const file = chosen ? (await openFile(chosen)).bytes : await fileStore.get(projectId);
  if (!file) throw new FileNeededError(`Choose ${state.name} again to resume its import.`);
  const isSame = file.size === state.size && (await hashFile(file, onProgress)) === state.hash;
  if (!isSame)
    throw new UnreadableFileError(`This is not the same file: its content differs from ${state.name}.`);
  return { state, file };
}

function stepOf({ next, cutting, size, totals }: ImportState): ImportStep {
  const from = cutting?.headEnd ?? 0;
  const share = next ? (next.offset - from) / Math.max(1, size - from) : 0;
  const rows = totals.created + totals.duplicates + totals.rejectedCount;
  return { label: rows > 0 ? `${rows.toLocaleString("en")} rows sent` : "Sending the file", share };
}

export const shareDone = (state: ImportState): number => stepOf(state).share;

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
