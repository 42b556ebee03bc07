import { afterEach, expect, test, vi } from "vitest";

import { fakeServer } from "@/testing/server";

import { getIfChanged, getJson } from "./client";
import { prefetch } from "./prefetch";
import { token } from "./token";

afterEach(() => {
  vi.useRealTimers();
  for (const path of prefetch.pendingPaths()) void prefetch.take(path);
});

const server = () => fakeServer({ "GET /api/projects": { json: { items: [] } } });

test("an answer that was asked for early is taken, once, and was asked for with the token", async () => {
  token.set("secret");
  const { calls } = server();
  prefetch.start("/api/projects");
  await getJson("/api/projects");
  expect(calls.map((call) => call.headers.get("authorization"))).toEqual(["Bearer secret"]);
  await getJson("/api/projects");
  expect(calls).toHaveLength(2);
});

test("nothing is asked for early by who is not signed in", () => {
  const { calls } = server();
  prefetch.start("/api/projects");
  expect(calls).toEqual([]);
});

test("an answer to another token is not taken", async () => {
  token.set("secret");
  const { calls } = server();
  prefetch.start("/api/projects");
  token.set("another");
  await getJson("/api/projects");
  expect(calls.map((call) => call.headers.get("authorization"))).toEqual(["Bearer secret", "Bearer another"]);
});

test("an answer that has become old is not taken", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  token.set("secret");
  const { calls } = server();
  prefetch.start("/api/projects");
  vi.advanceTimersByTime(10_001);
  await getJson("/api/projects");
  expect(calls).toHaveLength(2);
});

test.each(["an old response", "a response to another token"])(
  "%s is cancelled, so its connection is free",
  async (kind) => {
    vi.useFakeTimers({ toFake: ["performance"] });
    token.set("secret");
    const cancelled = vi.fn();
    const body = new ReadableStream({ cancel: cancelled });
    vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(body));
    prefetch.start("/api/projects");
    if (kind === "an old response") vi.advanceTimersByTime(10_001);
    else token.set("another");
    expect(prefetch.take("/api/projects")).toBeUndefined();
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledOnce());
  },
);

test("a question with an ETag is another question", async () => {
  token.set("secret");
  const { calls } = server();
  prefetch.start("/api/projects");
  await getIfChanged("/api/projects", '"7"');
  expect(calls).toHaveLength(2);
});

test("a token that is refused early is refused as ever", async () => {
  token.set("old");
  fakeServer({ "GET /api/projects": { status: 401, json: { error: { code: "UNAUTHORIZED" } } } });
  prefetch.start("/api/projects");
  await expect(getJson("/api/projects")).rejects.toMatchObject({ status: 401 });
  expect(token.get()).toBeNull();
});
