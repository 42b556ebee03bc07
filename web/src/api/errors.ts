import type { components } from "./schema";

export type FieldError = { field: string; message: string };
export type ErrorBody = components["schemas"]["Error"];

/** The gateway's own messages are status names, such as "Service Unavailable". */
const GATEWAY_MESSAGES: Record<number, string> = {
  401: "Sign in again.",
  403: "This access token is not valid.",
  413: "The request is too large.",
  429: "Too many requests. Try again in a moment.",
  500: "Something went wrong on the server.",
  503: "The server is busy or took too long. Try again in a moment.",
};

/** Error response of the API. `code` is stable, e.g. `RUN_ALREADY_ACTIVE`; `requestId` is in the server log. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly code: string;
  readonly details: unknown;
  readonly requestId: string | null;

  constructor(status: number, body: Partial<ErrorBody>, requestId: string | null = null) {
    super(messageOf(status, body));
    this.status = status;
    this.code = body.code ?? `HTTP_${status}`;
    this.details = body.details ?? null;
    this.requestId = body.requestId ?? requestId;
  }

  /** Field errors of a 422 response. */
  get fields(): FieldError[] {
    return Array.isArray(this.details) ? this.details.filter(isFieldError) : [];
  }

  /** String value in `details`, or null. */
  detail(name: string): string | null {
    const details = this.details as Record<string, unknown> | null;
    const value = typeof details === "object" ? details?.[name] : null;
    return typeof value === "string" ? value : null;
  }
}

/** The error in a response: of the API (`{error}`), of the gateway (`{message}`), or none for other content. */
export function bodyOf(json: unknown): Partial<ErrorBody> {
  if (typeof json !== "object" || json === null) return {};
  const { error, message } = json as { error?: unknown; message?: unknown };
  if (typeof error === "object" && error !== null) return error;
  return typeof message === "string" ? { message } : {};
}

function messageOf(status: number, { code, message }: Partial<ErrorBody>): string {
  const known = code === undefined ? GATEWAY_MESSAGES[status] : undefined;
  return known ?? message ?? `The server answered ${status}.`;
}

/** No response: the server is down or the network is lost. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";

  constructor(cause: unknown) {
    super("The server cannot be reached.", { cause });
  }
}

/** True for network errors, 5xx and 429. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof NetworkError) return true;
  return error instanceof ApiError && (error.status >= 500 || error.status === 429);
}

/** Message of the API for a field, or null. */
export function fieldError(error: unknown, field: string): string | null {
  const fields = error instanceof ApiError ? error.fields : [];
  return fields.find((one) => one.field === field)?.message ?? null;
}

/** User-facing text of an error. */
export function explain(error: unknown): string {
  if (error instanceof ApiError && error.fields.length > 0) {
    return error.fields.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join("; ");
  }
  return error instanceof Error ? error.message : "Something went wrong.";
}

function isFieldError(value: unknown): value is FieldError {
  return typeof value === "object" && value !== null && "field" in value && "message" in value;
}
