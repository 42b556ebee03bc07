/** Form state of the start dialog and its request. Pure. */

import type { BacklogRunType, RunOptions, RunRequest } from "@/services/runs";

export type Scope = "all" | "epic" | "chosen";
export type RunDraft = {
  scope: Scope;
  epicId: string | null;
  chosen: readonly string[];
  options: Omit<RunOptions, "maxCostUsd">;
  /** Input text in USD; empty for no limit. */
  limit: string;
};

const MAX_SELECTED = 1_000;

export function emptyDraft(chosen: readonly string[], epicId: string | null): RunDraft {
  return {
    scope: chosen.length > 0 ? "chosen" : epicId ? "epic" : "all",
    epicId,
    chosen,
    options: { mode: "standard", existingBehavior: "skip", pacing: "normal" },
    limit: "",
  };
}

/** True for runs on epics or stories. */
export const supportsEpicScope = (type: BacklogRunType): boolean =>
  type === "GENERATE_STORIES" || type === "GENERATE_SUBTASKS";

export function toRunRequest(type: BacklogRunType, draft: RunDraft): RunRequest {
  const limit = parseLimit(draft.limit);
  return {
    type,
    options: { ...draft.options, maxCostUsd: limit === "wrong" ? null : limit },
    epicId: draft.scope === "epic" && supportsEpicScope(type) ? draft.epicId : null,
    itemIds: draft.scope === "chosen" ? [...draft.chosen] : null,
  };
}

/** Validation error, or null. */
export function draftError(draft: RunDraft): string | null {
  if (draft.scope === "epic" && !draft.epicId) return "Select an epic.";
  if (draft.scope === "chosen" && draft.chosen.length === 0) return "Select at least one item.";
  if (draft.scope === "chosen" && draft.chosen.length > MAX_SELECTED) return "Select at most 1,000 items.";
  return parseLimit(draft.limit) === "wrong" ? "The cost limit must be a number above 0." : null;
}

function parseLimit(text: string): number | null | "wrong" {
  if (!text.trim()) return null;
  const value = Number(text.trim().replace(",", "."));
  return Number.isFinite(value) && value > 0 && value <= 100_000 ? value : "wrong";
}
