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

/** Results by page: a page that arrives must not filter all earlier ones again. */
const filtered = new WeakMap<Card[], { filter: CardFilter; found: Card[] }>();

/** Matching cards of all pages. */
export function filterPages(pages: Card[][], filter: CardFilter): Card[] {
  return pages.flatMap((page) => {
    const known = filtered.get(page);
    if (known?.filter === filter) return known.found;
    const found = filterCards(page, filter);
    filtered.set(page, { filter, found });
    return found;
  });
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

/** Lower-case texts are kept: with 100,000 cards, making them for each key press would freeze the page. */
const texts = new WeakMap<Card, string>();

function textOf(card: Card): string {
  let text = texts.get(card);
  if (text === undefined) {
    const { id, text: own, source, externalId, analysis } = card;
    const found = analysis ? [analysis.summary, analysis.theme, ...analysis.keywords] : [];
    text = [id, own, source, externalId, ...found].join(" ").toLowerCase();
    texts.set(card, text);
  }
  return text;
}
