/** Connection state: did the last request reach the server? */

const listeners = new Set<() => void>();
let reachable = true;

export const connection = {
  isReachable: (): boolean => reachable,

  report(value: boolean): void {
    if (value === reachable) return;
    reachable = value;
    for (const listener of listeners) listener();
  },

  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
