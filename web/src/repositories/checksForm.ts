/** Check settings as texts of a form, one entry per line. */
import { ApiError, type FieldError } from "@/api/errors";
import type { Checks } from "@/services/checks";

export type ChecksForm = {
  setup: string;
  verify: string;
  allowed: string;
  isOnline: boolean;
  hosts: string;
  timeoutS: string;
  memoryMb: string;
  env: string;
  requireReview: boolean;
  allowRedBaseline: boolean;
};

type LineField = "setup" | "verify" | "allowed" | "hosts" | "env";

/** Settings of a repository without checks, as in the API. */
const NO_CHECKS: Checks = {
  setup: [],
  verify: [],
  allowed: [],
  network: "setup",
  hosts: [],
  timeoutS: 600,
  memoryMb: 2_048,
  env: {},
  requireReview: false,
  allowRedBaseline: false,
};

export function formOf(checks: Checks | null): ChecksForm {
  const { setup, verify, allowed, network, hosts, timeoutS, memoryMb, env, ...rest } = checks ?? NO_CHECKS;
  const [timeout, memory] = [String(timeoutS), String(memoryMb)];
  return {
    setup: setup.join("\n"),
    verify: verify.join("\n"),
    allowed: allowed.join("\n"),
    isOnline: network === "setup",
    hosts: hosts.join("\n"),
    timeoutS: timeout,
    memoryMb: memory,
    env: Object.entries(env)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n"),
    requireReview: rest.requireReview,
    allowRedBaseline: rest.allowRedBaseline,
  };
}

/** Null if all settings are the defaults: the repository has no checks. */
export function checksOf(form: ChecksForm): Checks | null {
  const checks: Checks = {
    setup: linesOf(form.setup),
    verify: linesOf(form.verify),
    allowed: linesOf(form.allowed),
    network: form.isOnline ? "setup" : "off",
    hosts: linesOf(form.hosts),
    timeoutS: Number(form.timeoutS),
    memoryMb: Number(form.memoryMb),
    env: variablesOf(form.env),
    requireReview: form.requireReview,
    allowRedBaseline: form.allowRedBaseline,
  };
  return isEqual(checks, NO_CHECKS) ? null : checks;
}

export function isEqual(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

function variablesOf(text: string): Record<string, string> {
  const pairs = linesOf(text).map((line): [string, string] => {
    const [name = ""] = line.split("=", 1);
    return [name.trim(), line.slice(name.length + 1)];
  });
  return Object.fromEntries(pairs);
}

/** Message for a line that is no variable, or null. */
export function envProblem(text: string): string | null {
  const lines = linesOf(text);
  const wrong = lines.find((line) => !/^[^=\s]+=/.test(line));
  if (wrong !== undefined) return `“${wrong}” is no variable. Write NAME=value.`;
  const names = lines.map((line) => line.split("=", 1)[0]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? null : `${twice} is set twice.`;
}

/** Error of the API at a field of the form, with the line or variable at fault; or null. */
export function errorAt(error: unknown, field: keyof Checks, form: ChecksForm): string | null {
  const found = fieldErrors(error).find((one) => isAt(one, field));
  if (!found) return null;
  const place = found.field.slice(`checks.${field}`.length);
  const index = /^\[(\d+)\]/.exec(place)?.[1];
  if (index !== undefined) return `“${lineAt(form, field, Number(index))}”: ${found.message}`;
  const variable = /^\.([^.[]+)/.exec(place)?.[1];
  return variable === undefined ? found.message : `${variable}: ${found.message}`;
}

/** True if no field of the form shows the error. */
export function isElsewhere(error: unknown): boolean {
  const fields = Object.keys(NO_CHECKS) as (keyof Checks)[];
  const found = fieldErrors(error);
  return found.length === 0 || !found.every((one) => fields.some((field) => isAt(one, field)));
}

function fieldErrors(error: unknown): FieldError[] {
  return error instanceof ApiError ? error.fields : [];
}

function isAt({ field }: FieldError, name: string): boolean {
  return new RegExp(`^checks\\.${name}([.[]|$)`).test(field);
}

function lineAt(form: ChecksForm, field: keyof Checks, index: number): string {
  return linesOf(form[field as LineField])[index] ?? `line ${index + 1}`;
}
