import { vi } from "vitest";

export type Call = { method: string; path: string; headers: Headers; body: unknown };
type Answer = { status?: number; json?: unknown; headers?: Record<string, string> };
type Handler = (call: Call) => Answer;

/** Replaces `fetch`: routes such as `"GET /api/projects"`, and the received calls, oldest first. */
export function fakeServer(routes: Record<string, Handler | Answer>) {
  const calls: Call[] = [];
  const answer = (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const path = input instanceof Request ? input.url : input.toString();
    const body: unknown = typeof init.body === "string" ? parse(init.body) : (init.body ?? null);
    const call = { method: init.method ?? "GET", path, headers: new Headers(init.headers), body };
    calls.push(call);
    const route = routes[`${call.method} ${path}`] ?? routes[`${call.method} ${path.split("?")[0] ?? ""}`];
    if (!route)
      return Promise.resolve(respond({ status: 404, json: { error: { code: "NOT_FOUND", message: path } } }));
    try {
      return Promise.resolve(respond(typeof route === "function" ? route(call) : route));
    } catch (error) {
      // a handler throws to simulate an unreachable server
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  vi.stubGlobal("fetch", answer);
  return { calls };
}

function respond({ status = 200, json, headers = {} }: Answer): Response {
  const empty = status === 204 || status === 304;
  return new Response(empty ? null : JSON.stringify(json ?? {}), { status, headers });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
