/** Bearer token in session storage: closing the tab removes it. */

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

  /** Drop a rejected token; the sign-in page shows a message. */
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
