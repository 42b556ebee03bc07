/** Toasts: short messages at the edge of the page. */

export type Toast = { id: number; title: string; description?: string; tone: "ok" | "error" };
let toasts: readonly Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

export const toast = {
  ok: (title: string, description?: string) =>
    add({ title, tone: "ok", ...(description ? { description } : {}) }),
  error: (title: string, description?: string) =>
    add({ title, tone: "error", ...(description ? { description } : {}) }),

  dismiss(id: number): void {
    toasts = toasts.filter((one) => one.id !== id);
    tell();
  },

  all: (): readonly Toast[] => toasts,

  /** True after the first toast. */
  hasShown: (): boolean => next > 1,

  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

function add(one: Omit<Toast, "id">): void {
  toasts = [...toasts.slice(-2), { ...one, id: next++ }];
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}
