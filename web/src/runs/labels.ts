import type { BacklogRunType, ItemStatus, Run, RunStatus } from "@/services/runs";

type Section = "cards" | "epics" | "stories" | "subtasks";
type RunTypeLabels = {
  /** Section with the items the run processes. */
  section: Section;
  title: string;
  /** Noun for the processed items. */
  source: [one: string, many: string];
  /** Noun for the results. */
  results: [one: string, many: string];
};

const WORDS: Record<BacklogRunType, RunTypeLabels> = {
  ANALYZE_CARDS: {
    section: "cards",
    title: "Analyze cards",
    source: ["card", "cards"],
    results: ["analysis", "analyses"],
  },
  GENERATE_EPICS: {
    section: "cards",
    title: "Generate epics",
    source: ["card", "cards"],
    results: ["epic", "epics"],
  },
  GENERATE_STORIES: {
    section: "epics",
    title: "Generate stories",
    source: ["epic", "epics"],
    results: ["story", "stories"],
  },
  GENERATE_SUBTASKS: {
    section: "stories",
    title: "Generate subtasks",
    source: ["story", "stories"],
    results: ["subtask", "subtasks"],
  },
};

export const runTypeLabels = (type: BacklogRunType): RunTypeLabels => WORDS[type];

/** Title of a run type; includes plan runs. */
export function runName(type: Run["type"]): string {
  if (type === "GENERATE_PLAN") return "Generate plan";
  if (type === "REVIEW_PLAN") return "Review plan";
  if (type === "IMPORT_CARDS") return "Import cards";
  return WORDS[type].title;
}

/** Noun for the results of a run, e.g. "stories". */
export function resultNoun(type: Run["type"]): [string, string] {
  if (type === "IMPORT_CARDS") return ["card", "cards"];
  return type === "GENERATE_PLAN" || type === "REVIEW_PLAN" ? ["result", "results"] : WORDS[type].results;
}

/** Number of results; for an analysis, the number of analyzed cards. */
export function resultCount(run: Run): number {
  return run.type === "ANALYZE_CARDS" ? run.completedItems : run.artifactsCreated;
}

/** Project section with the results of a run. */
export function sectionOf(type: Run["type"]): Section {
  if (type === "GENERATE_EPICS") return "epics";
  if (type === "GENERATE_STORIES") return "stories";
  return type === "GENERATE_SUBTASKS" ? "subtasks" : "cards";
}

export const RUN_STATUS_LABELS: Record<RunStatus, string> = {
  QUEUED: "Queued",
  RUNNING: "Running",
  SUCCEEDED: "Succeeded",
  PARTIAL: "Partial",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
};

export const ITEM_STATUS_LABELS: Record<ItemStatus, string> = {
  PENDING: "Pending",
  GENERATING: "Generating",
  SAVING: "Saving",
  COMPLETED: "Completed",
  FAILED: "Failed",
  SKIPPED: "Skipped",
};
