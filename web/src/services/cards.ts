import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postBytes, postJson, type Query, remove } from "@/api/client";
import { pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type CardFromAPI = Schemas["Card"];
export type Card = CardFromAPI;
export type CardPatch = { text?: string; source?: string | null };
export type NewCard = { text: string; source?: string };
export type RejectedRow = { row: number; line?: number | null; reason: string };
/** `rejected` holds the first rows only. */
export type Imported = {
  created: number;
  duplicates: number;
  rejected: RejectedRow[];
  rejectedCount: number;
  warnings: string[];
};
export type ColumnRole = "text" | "title" | "externalId" | "source" | "postedAt" | "personal" | "metadata";
export type PreviewColumn = { name: string; role: ColumnRole; samples: string[] };
export type FileType = "csv" | "ndjson" | "json" | "xlsx";
export type ImportPreview = {
  format: string | null;
  encoding: string;
  /** Decoded lines to choose an encoding by; empty if the encoding is sure. */
  alternatives: { encoding: string; lines: string[] }[];
  delimiter: string | null;
  type: FileType;
  /** Line of the first row; null if the file cannot be cut between rows. */
  firstLine: number | null;
  dateOrder: "dmy" | "mdy" | null;
  timezone: string | null;
  columns: PreviewColumn[];
  rows: number;
  rejected: RejectedRow[];
  rejectedCount: number;
  first: PreviewCard[];
  warnings: string[];
};
export type PreviewCard = Pick<Card, "text"> &
  Partial<Pick<Card, "source" | "externalId">> & { postedAt?: string | null };

export const cardKeys = {
  all: ["cards"] as const,
  list: (projectId: string) => [...cardKeys.all, "list", projectId] as const,
  one: (id: string) => [...cardKeys.all, "one", id] as const,
};

/** Identity: cards need no conversion. */
function toCard(from: CardFromAPI): Card {
  return from;
}

export const cardsQuery = (projectId: string) =>
  infiniteQueryOptions({
    queryKey: cardKeys.list(projectId),
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: 200, nextToken: pageParam };
      const page = await getJson<Page<CardFromAPI>>(ofProject(projectId), { query, signal });
      return { ...page, items: page.items.map(toCard) };
    },
    ...pageParams,
  });

export const cardQuery = (id: string) =>
  queryOptions({
    queryKey: cardKeys.one(id),
    queryFn: async ({ signal }) => toCard(await getJson<CardFromAPI>(path(id), { signal })),
    staleTime: 60_000,
  });

type ImportPreviewFromAPI = Partial<Omit<ImportPreview, "rejected">> & { rejected?: RejectedRow[] | number };

/** Show how a file will be read; writes nothing. */
export async function previewCards(
  projectId: string,
  bytes: Blob,
  query: Query,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<ImportPreview> {
  const path = `${ofProject(projectId)}/preview`;
  return toPreview(await postBytes<ImportPreviewFromAPI>(path, bytes, { query, headers, signal }));
}

/** Import a file or a part of it. */
export async function importCards(
  projectId: string,
  bytes: Blob,
  query: Query,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Imported> {
  return toImported(
    await postBytes<Partial<Imported>>(ofProject(projectId), bytes, { query, headers, signal }),
  );
}

export async function addCard(projectId: string, card: NewCard): Promise<Imported> {
  return toImported(await postJson<Partial<Imported>>(ofProject(projectId), { cards: [card] }));
}

function toImported(from: Partial<Imported>): Imported {
  const rejected = from.rejected ?? [];
  return {
    created: from.created ?? 0,
    duplicates: from.duplicates ?? 0,
    rejected,
    rejectedCount: from.rejectedCount ?? rejected.length,
    warnings: from.warnings ?? [],
  };
}

function toPreview(from: ImportPreviewFromAPI): ImportPreview {
  const rejected = Array.isArray(from.rejected) ? from.rejected : [];
  const count = typeof from.rejected === "number" ? from.rejected : rejected.length;
  return {
    format: from.format ?? null,
    encoding: from.encoding ?? "utf-8",
    alternatives: from.alternatives ?? [],
    delimiter: from.delimiter ?? null,
    type: from.type ?? "csv",
    firstLine: from.firstLine ?? null,
    dateOrder: from.dateOrder ?? null,
    timezone: from.timezone ?? null,
    columns: from.columns ?? [],
    rows: from.rows ?? 0,
    rejected,
    rejectedCount: from.rejectedCount ?? count,
    first: from.first ?? [],
    warnings: from.warnings ?? [],
  };
}

export async function changeCard(id: string, patch: CardPatch): Promise<Card> {
  return toCard(await patchJson<CardFromAPI>(path(id), patch));
}

export function deleteCard(id: string): Promise<void> {
  return remove(path(id));
}

const path = (id: string) => `/api/cards/${encodeURIComponent(id)}`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/cards`;
