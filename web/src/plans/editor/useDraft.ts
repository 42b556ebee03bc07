import { useSyncExternalStore } from "react";

import { conflictingFields, drafts, type Fields, unsavedFields } from "@/plans/drafts";

/** Unsaved edits of one element on top of its current values. */
export function useDraft<C extends Fields>(id: string, current: C) {
  const draft = useSyncExternalStore(drafts.subscribe, () => drafts.get(id));
  const changes = unsavedFields(draft, current) as Partial<C>;
  return {
    /** Current values with edits. */
    shown: { ...current, ...changes },
    changes,
    isChanged: Object.keys(changes).length > 0,
    /** Edited fields with a concurrent change. */
    conflicts: conflictingFields(draft, current) as (keyof C & string)[],
    type: <K extends keyof C & string>(field: K, value: C[K]) =>
      drafts.type(id, field, value, current[field]),
    drop: (field: string) => drafts.drop(id, field),
    keepMine: (field: keyof C & string) => drafts.keepMine(id, field, current[field]),
    clear: () => drafts.clear(id),
  };
}

export type DraftOf<C extends Fields> = ReturnType<typeof useDraft<C>>;
