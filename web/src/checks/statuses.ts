/** Labels, icons and tones of checks. */
import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleX,
  Clock,
  LoaderCircle,
  ShieldAlert,
  ShieldCheck,
  ShieldOff,
} from "lucide-react";

import type { StatusShown } from "@/plans/statuses";
import type { BaselineStatus, CheckStatus, CommandResult, Verified } from "@/services/checks";
import { duration } from "@/ui/format";

export const VERIFIED: Record<Verified, StatusShown> = {
  passed: { label: "Checks passed", tone: "green", icon: ShieldCheck },
  failed: { label: "Checks failed", tone: "red", icon: ShieldAlert },
  not_configured: { label: "No checks", tone: "grey", icon: CircleDashed },
  not_run: { label: "Not checked", tone: "amber", icon: ShieldOff },
};

export const BASELINE_STATUSES: Record<BaselineStatus, StatusShown> = {
  queued: { label: "Queued", tone: "grey", icon: Clock },
  running: { label: "Running", tone: "blue", icon: LoaderCircle, isMoving: true },
  passed: { label: "Passed", tone: "green", icon: CircleCheck },
  failed: { label: "Failed", tone: "red", icon: CircleX },
  could_not_run: { label: "Could not run", tone: "amber", icon: CircleAlert },
};

export const COMMAND_STATUSES: Record<CheckStatus, StatusShown> = BASELINE_STATUSES;

const ENDINGS: Record<Exclude<CommandResult["why"], "exit" | null>, string> = {
  timeout: "over its time limit",
  killed: "killed",
  output: "too much output",
  lost: "sandbox lost",
  could_not_start: "did not start",
};

/** Verdict of a command. Only an exit code is one; a failed set-up says nothing about the change. */
export function statusOf(result: CommandResult & { status?: CheckStatus }): CheckStatus {
  if (result.status) return result.status;
  if (result.why === null) return "running";
  if (result.flaky || (result.why === "exit" && result.exitCode === 0)) return "passed";
  return result.why === "exit" && !result.setup ? "failed" : "could_not_run";
}

/** "exit code 1, 4.2 s" */
export function describeEnd({ why, exitCode, seconds }: CommandResult): string {
  const time = seconds > 0 ? duration(seconds * 1000) : null;
  const end = why === null ? null : why === "exit" ? `exit code ${exitCode ?? "unknown"}` : ENDINGS[why];
  return [end, time].filter(Boolean).join(", ");
}
