import { useCallback, useMemo, useState } from "react";

export type Selection = {
  ids: readonly string[];
  has: (id: string) => boolean;
  set: (id: string, chosen: boolean) => void;
  setAll: (ids: readonly string[], chosen: boolean) => void;
  clear: () => void;
};

/** Selected ids in selection order. */
export function useSelection(): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const setAll = useCallback((which: readonly string[], chosen: boolean) => {
    setIds((before) => {
      const next = new Set(before);
      for (const id of which) {
        if (chosen) next.add(id);
        else next.delete(id);
      }
      return next;
    });
  }, []);
  const set = useCallback((id: string, chosen: boolean) => setAll([id], chosen), [setAll]);
  const clear = useCallback(() => setIds(new Set()), []);
  return useMemo(
    () => ({ ids: [...ids], has: (id) => ids.has(id), set, setAll, clear }),
    [ids, set, setAll, clear],
  );
}
