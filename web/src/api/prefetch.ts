/**
 * What a page asks for at first is asked for while its code is still on the way; `client.ts` finds the answers here.
 *
 * An response is taken once, with the token it was asked with, and only while it is new.
 */

import { token } from "./token";

const MAX_AGE_MS = 10_000;

type PrefetchedResponse = { response: Promise<Response>; token: string; requestedAt: number };
const pending = new Map<string, PrefetchedResponse>();

export const prefetch = {
  /** Not for who is not signed in. */
  start(path: string): void {
    const value = token.get();
    if (value === null || pending.has(path)) return;
    const response = fetch(path, { headers: { authorization: `Bearer ${value}` }, cache: "no-store" });
    // who takes it hears of it; nobody else has to
    response.catch(() => undefined);
    pending.set(path, { response, token: value, requestedAt: performance.now() });
  },

  /** The response to a GET without headers of its own; undefined where there is none. */
  take(path: string): Promise<Response> | undefined {
    const found = pending.get(path);
    pending.delete(path);
    const isNew = found && found.token === token.get() && performance.now() - found.requestedAt < MAX_AGE_MS;
    return isNew ? found.response : undefined;
  },

  /** What has been asked for and not been taken. */
  pendingPaths: (): string[] => [...pending.keys()],
};
