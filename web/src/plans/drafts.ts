/**
 * What a person has typed and not saved yet, field by field, with what stood there when they began. Kept in session
 * storage: it outlives a look at another task, a reload, a conflict and a sign-in.
 */

export type Fields = Record<string, unknown>;

type Draft = {
  /** What is typed. */
  mine: Fields;
  /** What stood in these fields when the typing began. */
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

  /** Notes what is typed into one field; a field that says again what stands there is no draft any more. */
  type(id: string, field: string, value: unknown, current: unknown): void {
    const draft = drafts.get(id) ?? { mine: {}, base: {} };
    if (isEqual(value, current)) {
      put(id, without(draft, field));
      return;
    }
    const base = field in draft.base ? draft.base : { ...draft.base, [field]: current };
    put(id, { mine: { ...draft.mine, [field]: value }, base });
  },

  /** Takes what stands there now instead of what is typed. */
  drop(id: string, field: string): void {
    const draft = drafts.get(id);
    if (draft) put(id, without(draft, field));
  },

  /** What is typed stays, though somebody else has changed the field: they have seen it. */
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

/** The fields that are typed into and that somebody else has changed since. */
export function conflictingFields(draft: Draft | null, current: Fields): string[] {
  if (!draft) return [];
  return Object.keys(draft.mine).filter(
    (field) => !isEqual(draft.base[field], current[field]) && !isEqual(draft.mine[field], current[field]),
  );
}

/** What has to be sent: what is typed and does not stand there already. */
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
