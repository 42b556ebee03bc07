import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { ColumnRole } from "@/services/cards";
import { previewCards } from "@/services/cards";

import { type Choices, chooseRole, NO_CHOICES, previewQuery } from "./choices";
import { type Content, openFile, previewPart, requestBody } from "./fileContent";

let opened = 0;

type Opened = { id: number; content: Content };

/** The chosen file, the user's choices, and the server's preview of them. */
export function usePreview(projectId: string) {
  const [file, setFile] = useState<Opened | null>(null);
  const [fault, setFault] = useState<{ name: string; error: unknown } | null>(null);
  const [choices, setChoices] = useState<Choices>(NO_CHOICES);
  const [columns, setColumns] = useState<Parameters<typeof chooseRole>[1]>([]);
  const query = previewQuery(file?.content.kind ?? "text", choices, columns);
  const preview = useQuery({
    queryKey: ["card-import", projectId, file?.id, query],
    queryFn: async ({ signal }) => {
      if (!file) throw new Error("No file");
      const { body: part, isWhole } = await previewPart(file.content);
      const { body, headers } = await requestBody(part, file.content.kind);
      return { ...(await previewCards(projectId, body, query, headers, signal)), isWhole, fileId: file.id };
    },
    enabled: file !== null,
    retry: false,
    staleTime: Infinity,
    gcTime: 0,
    placeholderData: keepPreviousData,
  });
  const shown = preview.data?.fileId === file?.id ? preview.data : undefined;

  const open = async (chosen: File) => {
    setFault(null);
    try {
      const content = await openFile(chosen);
      opened += 1;
      setFile({ id: opened, content });
      setColumns([]);
      setChoices(NO_CHOICES);
    } catch (error) {
      setFile(null);
      setFault({ name: chosen.name, error });
    }
  };
  const change = (changed: Partial<Choices>) => setChoices((before) => ({ ...before, ...changed }));
  const changeRole = (name: string, role: ColumnRole) => {
    if (!shown) return;
    setColumns(shown.columns);
    setChoices((before) => chooseRole(before, shown.columns, name, role));
  };
  /** Reset chosen columns: another encoding or delimiter gives other columns. */
  const reread = (changed: Partial<Choices>) => change({ ...changed, roles: {} });
  return {
    content: file?.content ?? null,
    name: file?.content.name ?? fault?.name ?? null,
    error: fault?.error ?? preview.error,
    preview: shown,
    isReading: preview.isFetching,
    choices,
    open,
    change,
    changeRole,
    reread,
  };
}

export type PreviewState = ReturnType<typeof usePreview>;
export type ShownPreview = NonNullable<PreviewState["preview"]>;
