/** Formatting of numbers and times. */

const NUMBER = new Intl.NumberFormat("en");
const COMPACT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const DATE_TIME = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const CLOCK = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hour12: false,
});
const AGO = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

export const number = (value: number): string => NUMBER.format(value);

/** 12.3K */
export const compact = (value: number): string => COMPACT.format(value);

/** "1 card", "1,200 cards" */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** "850 B", "12 KB", "4.2 MB" */
export function fileSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const inKb = bytes / 1024;
  return inKb < 1024 ? `${Math.round(inKb)} KB` : `${(inKb / 1024).toFixed(1)} MB`;
}

/** US dollars; four digits below one cent. */
export function money(usd: number): string {
  if (usd === 0) return "$0.00";
  return usd < 0.01
    ? `$${usd.toFixed(4)}`
    : `$${usd.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** "0:07", "12:40", "1:02:09" */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** "850 ms", "4.2 s", "3 min", "1 h 20 min" */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const minutes = Math.round(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  return minutes % 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes / 60} h`;
}

/** Remaining time, rounded: it is an estimate. */
export const timeLeft = (ms: number): string => (ms < 1000 ? "a moment" : `about ${duration(ms)}`);

export const dateTime = (date: Date): string => DATE_TIME.format(date);
export const timeOfDay = (date: Date): string => CLOCK.format(date);

/** "5 minutes ago"; days at most, then the date. */
export function ago(date: Date, now: number = Date.now()): string {
  const seconds = Math.round((date.getTime() - now) / 1000);
  if (Math.abs(seconds) > 30 * 86_400) return DATE_TIME.format(date);
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return AGO.format(Math.trunc(seconds / size), unit);
  }
  return "just now";
}

/** `MODEL_UNAVAILABLE` as "Model unavailable". */
export function humanize(code: string): string {
  const text = code.replaceAll("_", " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
