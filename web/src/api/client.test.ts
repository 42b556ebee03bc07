import { expect, test } from "vitest";

import { fakeServer } from "@/testing/server";

import { getIfChanged, getJson, patchJson } from "./client";
import { connection } from "./connection";
import { ApiError, explain, isRetryable, NetworkError } from "./errors";
import { token } from "./token";

test("a request carries the token and leaves out what is not asked for", async () => {
  token.set("secret");
  const { calls } = fakeServer({ "GET /api/projects": { json: { items: [] } } });
  await getJson("/api/projects", { query: { limit: 5, nextToken: null } });
  expect(calls[0]?.headers.get("authorization")).toBe("Bearer secret");
  expect(calls[0]?.path).toBe("/api/projects?limit=5");
});

test("an error keeps its code, details and request id", async () => {
  const body = { code: "RUN_ALREADY_ACTIVE", message: "It runs.", details: { runId: "r1" }, requestId: "q1" };
  fakeServer({ "GET /api/x": { status: 409, json: { error: body } } });
  const error = await getJson("/api/x").catch((e: unknown) => e as ApiError);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 409, code: "RUN_ALREADY_ACTIVE", requestId: "q1" });
  expect((error as ApiError).detail("runId")).toBe("r1");
});

test("a 422 is explained field by field", async () => {
  const details = [{ field: "name", message: "is too long" }];
  fakeServer({
    "GET /api/x": { status: 422, json: { error: { code: "INVALID", message: "No.", details } } },
  });
  expect(await getJson("/api/x").catch(explain)).toBe("name: is too long");
});

test("an answer that is not JSON is still an error with its status", async () => {
  fakeServer({ "GET /api/x": { status: 502, json: undefined, headers: { "x-request-id": "q2" } } });
  const error = await getJson("/api/x").catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "HTTP_502", requestId: "q2" });
});

test.each([
  [401, { message: "Unauthorized" }],
  [403, { message: "Forbidden" }],
])("the gateway's %i ends the session", async (status, json) => {
  token.set("old");
  fakeServer({ "GET /api/x": { status, json } });
  await getJson("/api/x").catch(() => undefined);
  expect(token.get()).toBeNull();
  expect(token.wasRefused()).toBe(true);
});

test.each([
  [401, "Unauthorized", "Sign in again."],
  [429, "Too Many Requests", "Too many requests. Try again in a moment."],
  [503, "Service Unavailable", "The server is busy or took too long. Try again in a moment."],
  [431, "Request header fields too large", "Request header fields too large"],
])("the gateway's own %i is explained", async (status, message, explained) => {
  const headers = { "apigw-requestid": "g1" };
  fakeServer({ "GET /api/x": { status, json: { message }, headers } });
  const error = await getJson("/api/x").catch((e: unknown) => e);
  expect(error).toMatchObject({ status, code: `HTTP_${status}`, requestId: "g1" });
  expect(explain(error)).toBe(explained);
});

test.each([null, "text", [], { error: "text" }, { message: 7 }])(
  "an error without a known shape (%j) is still one with its status",
  async (json) => {
    fakeServer({ "GET /api/x": { status: 500, json } });
    const error = await getJson("/api/x").catch((e: unknown) => e);
    expect(error).toMatchObject({ status: 500, code: "HTTP_500", details: null });
  },
);

test("a request out of time is an error of the API, not a server that is not there", async () => {
  const error = { code: "TIMED_OUT", message: "The request took too long.", details: null, requestId: "q3" };
  fakeServer({ "GET /api/x": { status: 504, json: { error }, headers: { "x-request-id": "q3" } } });
  const thrown = await getJson("/api/x").catch((e: unknown) => e);
  expect(thrown).toMatchObject({ status: 504, code: "TIMED_OUT", requestId: "q3" });
  expect(isRetryable(thrown)).toBe(true);
  expect(connection.isReachable()).toBe(true);
});

test("a 504 of a proxy is a server that is not there", async () => {
  fakeServer({ "GET /api/x": { status: 504, json: undefined } });
  await getJson("/api/x").catch(() => undefined);
  expect(connection.isReachable()).toBe(false);
  connection.report(true);
});

test("a 403 that the application gives keeps the session", async () => {
  token.set("good");
  fakeServer({ "GET /api/x": { status: 403, json: { error: { code: "NOT_YOURS", message: "No." } } } });
  await getJson("/api/x").catch(() => undefined);
  expect(token.get()).toBe("good");
});

test("a server that is not there is a network error, and the page is told until it answers", async () => {
  let up = false;
  fakeServer({
    "GET /api/x": () => {
      if (!up) throw new TypeError("Failed to fetch");
      return { json: 1 };
    },
  });
  const error = await getJson("/api/x").catch((e: unknown) => e);
  expect(error).toBeInstanceOf(NetworkError);
  expect(isRetryable(error)).toBe(true);
  expect(connection.isReachable()).toBe(false);
  up = true;
  await getJson("/api/x");
  expect(connection.isReachable()).toBe(true);
});

test("an unchanged answer is no data and the old tag", async () => {
  const { calls } = fakeServer({ "GET /api/x": { status: 304 } });
  expect(await getIfChanged("/api/x", '"7"')).toEqual({ data: null, etag: '"7"' });
  expect(calls[0]?.headers.get("if-none-match")).toBe('"7"');
});

test("a change names the version it is made against", async () => {
  const { calls } = fakeServer({ "PATCH /api/plans/p": { json: {} } });
  await patchJson("/api/plans/p", { title: "T" }, { ifMatch: 4 });
  expect(calls[0]?.headers.get("if-match")).toBe("4");
});
