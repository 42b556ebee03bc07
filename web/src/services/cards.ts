import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postBytes, postJson, type Query, remove } from "@/api/client";
import { pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type CardFromAPI = Schemas["Card"];
export type Card = CardFromAPI;
export type CardPatch = { text?: string; source?: string | null };
export type NewCard = { text: string; source?: string };
export type Imported = Schemas["ImportResult"];
export type ImportPreview = Schemas["ImportPreview"];
export type PreviewColumn = ImportPreview["columns"][number];
export type ColumnRole = PreviewColumn["role"];
export type PreviewCard = Schemas["PreviewCard"];

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
    // comparing 100,000 cards with the earlier ones at each new page would freeze the page
    structuralSharing: false,
  });

export const cardQuery = (id: string) =>
  queryOptions({
    queryKey: cardKeys.one(id),
    queryFn: async ({ signal }) => toCard(await getJson<CardFromAPI>(path(id), { signal })),
    staleTime: 60_000,
  });

/** Show how a file will be read; writes nothing. */
export function previewCards(
  projectId: string,
  bytes: Blob,
  query: Query,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<ImportPreview> {
  return postBytes(`${ofProject(projectId)}/preview`, bytes, { query, headers, signal });
}

/** All rows of a request. */
const MAX_REJECTED = 5_000;

/** Import a file or a part of it. The answer lists every rejected row. */
export function importCards(
  projectId: string,
  bytes: Blob,
  query: Query,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Imported> {
  return postBytes(ofProject(projectId), bytes, {
    query: { ...query, maxRejected: MAX_REJECTED },
    headers,
    signal,
  });
}

export function addCard(projectId: string, card: NewCard): Promise<Imported> {
  return postJson(ofProject(projectId), { cards: [card] }, { query: { madeBy: "person" } });
}

export async function changeCard(id: string, patch: CardPatch): Promise<Card> {
  return toCard(await patchJson<CardFromAPI>(path(id), patch));
}

export function deleteCard(id: string): Promise<void> {
  return remove(path(id));
}

const path = (id: string) => `/api/cards/${encodeURIComponent(id)}`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/cards`;
