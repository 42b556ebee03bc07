/** Schedules: presets, API values and labels. */
import type { Progress } from "@/plans/model";
import type { NewTiming } from "@/services/executions";

type Timing = NonNullable<Progress["schedule"]>;

/** EventBridge cron: minutes hours day-of-month month day-of-week year. */
export const PRESETS = [
  { cron: "0 9 ? * MON-FRI *", label: "Weekdays at 9:00" },
  { cron: "0 2 * * ? *", label: "Daily at 2:00" },
  { cron: "0 9 ? * MON *", label: "Mondays at 9:00" },
  { cron: "0 9 1 * ? *", label: "First day of each month at 9:00" },
] as const;

export function localTimezone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** `local` is the value of a datetime-local input. */
export function onceAt(local: string, timezone: string): NewTiming {
  return { at: new Date(local).toISOString(), timezone };
}

/** Checks only the format; the API checks the ranges. */
export function isCronExpression(text: string): boolean {
  const fields = text.trim().split(/ +/);
  return fields.length === 6 && fields.every((field) => /^[0-9A-Z*?/,#-]+$/.test(field)) && hasOneDay(fields);
}

function hasOneDay(fields: readonly string[]): boolean {
  return (fields[2] === "?") !== (fields[4] === "?");
}

/** "once, at 24 Nov 2026 09:00 (Europe/Berlin)", "every night at 2:00 (UTC)". */
export function describeSchedule({ expression, timezone }: Timing): string {
  const inside = /^(at|cron)\((.*)\)$/.exec(expression);
  const [kind, value = expression] = [inside?.[1], inside?.[2]];
  if (kind === "at") return `once at ${value.replace("T", " ").slice(0, 16)} (${timezone})`;
  const preset = PRESETS.find(({ cron }) => cron === value);
  const said = preset?.label ?? `cron ${value}`;
  return `${said} (${timezone})`;
}
