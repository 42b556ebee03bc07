/**
 * What a page asks for at first is asked for while its code is still on the way; `client.ts` finds the answers here.
 *
 * An answer is taken once, with the token it was asked with, and only while it is new.
 */

import { token } from "./token";

const KEPT_MS = 10_000;

type Early = { answer: Promise<Response>; token: string; askedAt: number };
const asked = new Map<string, Early>();

export const early = {
  /** Not for who is not signed in. */
  ask(path: string): void {
    const value = token.get();
    if (value === null || asked.has(path)) return;
    const answer = fetch(path, { headers: { authorization: `Bearer ${value}` }, cache: "no-store" });
    // who takes it hears of it; nobody else has to
    answer.catch(() => undefined);
    asked.set(path, { answer, token: value, askedAt: performance.now() });
  },

  /** The answer to a GET without headers of its own; undefined where there is none. */
  take(path: string): Promise<Response> | undefined {
    const found = asked.get(path);
    asked.delete(path);
    const isNew = found && found.token === token.get() && performance.now() - found.askedAt < KEPT_MS;
    return isNew ? found.answer : undefined;
  },

  /** What has been asked for and not been taken. */
  waiting: (): string[] => [...asked.keys()],
};
