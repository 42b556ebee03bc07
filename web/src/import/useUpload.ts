import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { importKeys } from "@/services/imports";
import { runKeys } from "@/services/runs";

import { uploadImport, type UploadRequest, type UploadStep } from "./uploadImport";

/** Upload a file and start its import. */
export function useUpload(projectId: string) {
  const queries = useQueryClient();
  const stopping = useRef<AbortController | null>(null);
  const [step, setStep] = useState<UploadStep | null>(null);
  const sending = useMutation({
    mutationFn: (request: UploadRequest) => {
      const stop = (stopping.current = new AbortController());
      return uploadImport(projectId, request, { signal: stop.signal, onStep: setStep });
    },
    onSettled: () => {
      setStep(null);
      return Promise.all([
        queries.invalidateQueries({ queryKey: importKeys.list(projectId) }),
        queries.invalidateQueries({ queryKey: runKeys.ofProject(projectId) }),
      ]);
    },
  });
  const isStopped = sending.error instanceof Error && sending.error.name === "AbortError";
  return {
    start: sending.mutate,
    stop: () => stopping.current?.abort(),
    isSending: sending.isPending,
    step,
    result: sending.data,
    error: isStopped ? null : sending.error,
  };
}

export type UploadState = ReturnType<typeof useUpload>;
