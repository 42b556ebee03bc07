/**
 * Unsaved edits by field, with the original values. Session storage keeps them across navigation, reload, conflicts
 * and sign-in.
 */

export type Fields = Record<string, unknown>;

type Draft = {
  /** Edited values. */
  mine: Fields;
  /** Values at the start of the edit. */
  base: Fields;
};

const PREFIX = "groundwork.draft.";
const listeners = new Set<() => void>();
const known = new Map<string, Draft | null>();

export const drafts = {
  get(id: string): Draft | null {
    if (!known.has(id)) known.set(id, read(id));
    return known.get(id) ?? null;
  },

  /** Store an edited field; drop it if it equals the current value. */
  type(id: string, field: string, value: unknown, current: unknown): void {
    const draft = drafts.get(id) ?? { mine: {}, base: {} };
    if (isEqual(value, current)) {
      put(id, without(draft, field));
      return;
    }
    const base = field in draft.base ? draft.base : { ...draft.base, [field]: current };
    put(id, { mine: { ...draft.mine, [field]: value }, base });
  },

  /** Discard the edit of a field. */
  drop(id: string, field: string): void {
    const draft = drafts.get(id);
    if (draft) put(id, without(draft, field));
  },

  /** Resolve a conflict in favor of the edit. */
  keepMine(id: string, field: string, current: unknown): void {
    const draft = drafts.get(id);
    if (draft && field in draft.mine) put(id, { ...draft, base: { ...draft.base, [field]: current } });
  },

  clear(id: string): void {
    put(id, { mine: {}, base: {} });
  },

  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** Edited fields with a concurrent change. */
export function conflictingFields(draft: Draft | null, current: Fields): string[] {
  if (!draft) return [];
  return Object.keys(draft.mine).filter(
    (field) => !isEqual(draft.base[field], current[field]) && !isEqual(draft.mine[field], current[field]),
  );
}

/** Edited fields that differ from the current values. */
export function unsavedFields(draft: Draft | null, current: Fields): Fields {
  const mine = Object.entries(draft?.mine ?? {});
  return Object.fromEntries(mine.filter(([field, value]) => !isEqual(value, current[field])));
}

function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

function without(draft: Draft, field: string): Draft {
  const rest = (fields: Fields) =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => name !== field));
  return { mine: rest(draft.mine), base: rest(draft.base) };
}

function put(id: string, draft: Draft): void {
  const isEmpty = Object.keys(draft.mine).length === 0;
  known.set(id, isEmpty ? null : draft);
  if (isEmpty) sessionStorage.removeItem(PREFIX + id);
  else sessionStorage.setItem(PREFIX + id, JSON.stringify(draft));
  for (const listener of listeners) listener();
}

function read(id: string): Draft | null {
  const kept = sessionStorage.getItem(PREFIX + id);
  if (kept === null) return null;
  try {
    return JSON.parse(kept) as Draft;
  } catch {
    return null;
  }
}
