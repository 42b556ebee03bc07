import type { Card } from "@/services/cards";

export const ANY = "any";
export type Wanted = { text: string; kind: string; severity: string; sentiment: string };
export const NOTHING_WANTED: Wanted = { text: "", kind: ANY, severity: ANY, sentiment: ANY };
/** A kind that says: no analysis yet. */
export const NOT_ANALYZED = "none";

export const isWanting = ({ text, ...chosen }: Wanted): boolean =>
  text.trim() !== "" || Object.values(chosen).some((value) => value !== ANY);

/** The cards that fit; the list itself where nothing is wanted. */
export function cardsThatFit(cards: Card[], wanted: Wanted): Card[] {
  if (!isWanting(wanted)) return cards;
  const sought = wanted.text.trim().toLowerCase();
  return cards.filter((card) => fits(card, wanted) && (!sought || textOf(card).includes(sought)));
}

function fits({ analysis }: Card, { kind, severity, sentiment }: Wanted): boolean {
  if (kind === NOT_ANALYZED) return analysis === null && severity === ANY && sentiment === ANY;
  const chosen = [
    [kind, analysis?.kind],
    [severity, analysis?.severity],
    [sentiment, analysis?.sentiment],
  ] as const;
  return chosen.every(([wish, value]) => wish === ANY || wish === value);
}

function textOf({ id, text, source, externalId, analysis }: Card): string {
  const found = analysis ? [analysis.summary, analysis.theme, ...analysis.keywords] : [];
  return [id, text, source, externalId, ...found].join(" ").toLowerCase();
}
