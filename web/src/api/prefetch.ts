/**
 * Sends the first requests of a page while its code is still loading; `client.ts` picks up the responses.
 *
 * A response is used once, with the same token, and only while fresh; another is cancelled.
 */

import { token } from "./token";

const MAX_AGE_MS = 10_000;

type PrefetchedResponse = { response: Promise<Response>; token: string; requestedAt: number };
const pending = new Map<string, PrefetchedResponse>();

export const prefetch = {
  /** Does nothing without a token. */
  start(path: string): void {
    const value = token.get();
    if (value === null || pending.has(path)) return;
    const response = fetch(path, { headers: { authorization: `Bearer ${value}` }, cache: "no-store" });
    // take() reports the error; avoid an unhandled rejection here
    response.catch(() => undefined);
    pending.set(path, { response, token: value, requestedAt: performance.now() });
  },

  /** Prefetched response for a plain GET, or undefined. */
  take(path: string): Promise<Response> | undefined {
    const found = pending.get(path);
    pending.delete(path);
    if (found === undefined) return undefined;
    if (found.token === token.get() && performance.now() - found.requestedAt < MAX_AGE_MS)
      return found.response;
    // an unread body would keep its connection open, one of the six of HTTP/1.1
    found.response.then((response) => response.body?.cancel()).catch(() => undefined);
    return undefined;
  },

  /** Paths with an unused response. */
  pendingPaths: (): string[] => [...pending.keys()],
};
