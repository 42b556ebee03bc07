import type { Card } from "@/services/cards";

export const ANY = "any";
export type CardFilter = { text: string; kind: string; severity: string; sentiment: string };
export const NO_FILTER: CardFilter = { text: "", kind: ANY, severity: ANY, sentiment: ANY };
/** Filter value for cards without an analysis. */
export const NOT_ANALYZED = "none";

export const isFiltering = ({ text, ...chosen }: CardFilter): boolean =>
  text.trim() !== "" || Object.values(chosen).some((value) => value !== ANY);

/** Matching cards; returns the same array if no filter is set. */
export function filterCards(cards: Card[], filter: CardFilter): Card[] {
  if (!isFiltering(filter)) return cards;
  const sought = filter.text.trim().toLowerCase();
  return cards.filter((card) => matches(card, filter) && (!sought || textOf(card).includes(sought)));
}

function matches({ analysis }: Card, { kind, severity, sentiment }: CardFilter): boolean {
  if (kind === NOT_ANALYZED) return analysis === null && severity === ANY && sentiment === ANY;
  const chosen = [
    [kind, analysis?.kind],
    [severity, analysis?.severity],
    [sentiment, analysis?.sentiment],
  ] as const;
  return chosen.every(([preset, value]) => preset === ANY || preset === value);
}

function textOf({ id, text, source, externalId, analysis }: Card): string {
  const found = analysis ? [analysis.summary, analysis.theme, ...analysis.keywords] : [];
  return [id, text, source, externalId, ...found].join(" ").toLowerCase();
}
