import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { getJson, patchJson, postText, remove } from "@/api/client";
import { pageParams, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type CardFromAPI = Schemas["Card"];
export type Card = CardFromAPI;
export type CardPatch = { text?: string; source?: string | null };
export type Imported = Schemas["ImportResult"];

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

/** A file as it is; `type` is `text/csv` or `application/x-ndjson`. */
export function importCards(projectId: string, text: string, type: string): Promise<Imported> {
  return postText(ofProject(projectId), text, type);
}

export async function changeCard(id: string, patch: CardPatch): Promise<Card> {
  return toCard(await patchJson<CardFromAPI>(path(id), patch));
}

export function deleteCard(id: string): Promise<void> {
  return remove(path(id));
}

const path = (id: string) => `/api/cards/${encodeURIComponent(id)}`;
const ofProject = (projectId: string) => `/api/projects/${encodeURIComponent(projectId)}/cards`;
