/** The bearer token: in session storage, so that it ends with the tab. */

const KEY = "groundwork.token";
const listeners = new Set<() => void>();
let refused = false;

export const token = {
  get: (): string | null => sessionStorage.getItem(KEY),

  set(value: string): void {
    refused = false;
    sessionStorage.setItem(KEY, value);
    tell();
  },

  /** Signs out. */
  clear(): void {
    refused = false;
    sessionStorage.removeItem(KEY);
    tell();
  },

  /** The server does not take it (any more): sign-in says so. */
  refuse(): void {
    refused = sessionStorage.getItem(KEY) !== null || refused;
    sessionStorage.removeItem(KEY);
    tell();
  },

  wasRefused: (): boolean => refused,

  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function tell(): void {
  for (const listener of listeners) listener();
}
