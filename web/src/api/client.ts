/** The only module that sends requests to the API. */

import { connection } from "./connection";
import { prefetch } from "./prefetch";
import { ApiError, bodyOf, NetworkError } from "./errors";
import { token } from "./token";

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;
type RequestOptions = {
  query?: Query;
  signal?: AbortSignal | undefined;
  headers?: Record<string, string>;
  /** Expected version; the server answers 412 or 409 if it is outdated. */
  ifMatch?: string | number | null;
};
type RequestWithBody = RequestOptions & { body?: BodyInit; contentType?: string };

export function getJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return send("GET", path, options).then((response) => response.json() as Promise<T>);
}

export function getText(path: string, options: RequestOptions = {}): Promise<string> {
  return send("GET", path, options).then((response) => response.text());
}

/** Returns `data: null` if the resource is unchanged since `etag` (304). */
export async function getIfChanged<T>(
  path: string,
  etag: string | null,
  options: RequestOptions = {},
): Promise<{ data: T | null; etag: string | null }> {
  const headers = { ...options.headers, ...(etag ? { "if-none-match": etag } : {}) };
  const response = await send("GET", path, { ...options, headers });
  if (response.status === 304) return { data: null, etag };
  return { data: (await response.json()) as T, etag: response.headers.get("etag") };
}

export function postJson<T>(path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
  return sendJson("POST", path, body, options);
}

export function patchJson<T>(path: string, body: unknown, options: RequestOptions = {}): Promise<T> {
  return sendJson("PATCH", path, body, options);
}

/** Send bytes as they are: a gateway may change the charset of a text, not of an octet stream. */
export function postBytes<T>(path: string, bytes: Blob, options: RequestOptions = {}): Promise<T> {
  const sent = { ...options, body: bytes, contentType: "application/octet-stream" };
  return send("POST", path, sent).then((response) => response.json() as Promise<T>);
}

export async function remove(path: string, options: RequestOptions = {}): Promise<void> {
  await send("DELETE", path, options);
}

/** Send a DELETE with a JSON response. */
export function removeJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return send("DELETE", path, options).then((response) => response.json() as Promise<T>);
}

async function sendJson<T>(method: string, path: string, body: unknown, options: RequestOptions): Promise<T> {
  const json = body === undefined ? {} : { body: JSON.stringify(body), contentType: "application/json" };
  const response = await send(method, path, { ...options, ...json });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function send(method: string, path: string, sent: RequestWithBody): Promise<Response> {
  const response = await fetchFromServer(method, path, sent);
  if (response.ok || response.status === 304) return response;
  const error = await toError(response);
  // API Gateway answers 403 without a code for an unknown token
  if (error.status === 401 || (error.status === 403 && error.code === "HTTP_403")) token.refuse();
  throw error;
}

async function fetchFromServer(method: string, path: string, sent: RequestWithBody): Promise<Response> {
  try {
    const url = path + queryString(sent.query);
    const isPlain = method === "GET" && Object.keys(sent.headers ?? {}).length === 0;
    const response = await ((isPlain && prefetch.take(url)) || fetchUrl(method, url, sent));
    // the dev proxy and CloudFront answer 502 or 504 if the server is down; the API itself sends a request id
    const gone = [502, 504].includes(response.status) && !response.headers.has("x-request-id");
    connection.report(!gone);
    return response;
  } catch (error) {
    if (sent.signal?.aborted) throw error;
    connection.report(false);
    throw new NetworkError(error);
  }
}

function fetchUrl(method: string, url: string, sent: RequestWithBody): Promise<Response> {
  const [headers, body, signal] = [headersOf(sent), sent.body ?? null, sent.signal ?? null];
  return fetch(url, { method, headers, body, signal, cache: "no-store" });
}

function headersOf(sent: RequestWithBody): Headers {
  const headers = new Headers(sent.headers);
  const value = token.get();
  if (value) headers.set("authorization", `Bearer ${value}`);
  if (sent.contentType) headers.set("content-type", sent.contentType);
  if (sent.ifMatch !== undefined && sent.ifMatch !== null) headers.set("if-match", String(sent.ifMatch));
  return headers;
}

async function toError(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("x-request-id") ?? response.headers.get("apigw-requestid");
  return new ApiError(response.status, bodyOf(await response.json().catch(() => null)), requestId);
}

function queryString(query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    const values = typeof value === "object" ? value : [String(value)];
    for (const one of values) parameters.append(name, one);
  }
  const text = parameters.toString();
  return text ? `?${text}` : "";
}
