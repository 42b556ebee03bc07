/** Sample API responses; tests override parts of them. */

import type { CardFromAPI } from "@/services/cards";
import type { Baseline, CommandResult, TaskCheck } from "@/services/checks";
import type { EpicFromAPI } from "@/services/epics";
import type { ImportFromAPI } from "@/services/imports";
import type { ProjectFromAPI } from "@/services/projects";
import type { Repository } from "@/services/repositories";
import type { RunFromAPI, RunItemFromAPI } from "@/services/runs";
import type { StoryFromAPI } from "@/services/stories";
import type { SubtaskFromAPI } from "@/services/subtasks";

const NO_TOKENS = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
const AT = "2026-03-01T12:00:00.000Z";

export const aProject = (part: Partial<ProjectFromAPI> = {}): ProjectFromAPI => ({
  id: "p1",
  name: "Trail companion",
  description: "",
  createdAt: AT,
  counts: { cards: 40, epics: 6, stories: 0, subtasks: 0 },
  ...part,
});

export const aRun = (part: Partial<RunFromAPI> = {}): RunFromAPI => ({
  runId: "p1-R1",
  projectId: "p1",
  planId: null,
  type: "GENERATE_STORIES",
  status: "RUNNING",
  phase: "GENERATING",
  phaseDetail: "Writing stories: 1 of 4 ended, 2 in flight",
  stale: false,
  totalItems: 4,
  pendingItems: 1,
  activeItems: 2,
  completedItems: 1,
  failedItems: 0,
  skippedItems: 0,
  artifactsCreated: 6,
  artifactsDeleted: 0,
  progress: 25,
  tokens: NO_TOKENS,
  costUsd: 0.12,
  elapsedMs: 65_000,
  estimatedRemainingMs: 120_000,
  hops: 1,
  attempts: 1,
  retryOf: null,
  nextRetryAt: null,
  errorMessage: null,
  options: {
    mode: "standard",
    existingBehavior: "skip",
    pacing: "normal",
    maxCostUsd: null,
    model: "claude",
  },
  ai: "anthropic",
  model: "claude",
  coverage: null,
  seq: 7,
  createdAt: AT,
  startedAt: AT,
  heartbeatAt: AT,
  completedAt: null,
  pollAfterMs: 1_000,
  ...part,
});

export const anImport = (part: Partial<ImportFromAPI> = {}): ImportFromAPI => ({
  id: "p1-IM1",
  projectId: "p1",
  name: "reviews.csv",
  size: 12_582_912,
  origin: "upload",
  status: "SUCCEEDED",
  parameters: {},
  runId: "p1-R7",
  counts: { created: 1200, duplicates: 3, rejected: 2, skipped: 0 },
  format: null,
  encoding: "utf-8",
  warnings: [],
  error: null,
  createdAt: AT,
  ...part,
});

export const anItem = (index: number, part: Partial<RunItemFromAPI> = {}): RunItemFromAPI => ({
  id: `p1-R1-${index}`,
  targetId: `p1-E${index + 1}`,
  code: `E${index + 1}`,
  title: `Epic ${index + 1}`,
  status: "PENDING",
  created: 0,
  deleted: 0,
  tokens: NO_TOKENS,
  costUsd: 0,
  durationMs: null,
  attempts: 0,
  errorCode: null,
  errorMsg: null,
  startedAt: null,
  completedAt: null,
  seq: 0,
  ...part,
});

export const aCard = (number: number, part: Partial<CardFromAPI> = {}): CardFromAPI => ({
  id: `p1-C${number}`,
  projectId: "p1",
  text: `Feedback ${number}`,
  source: "Email",
  externalId: null,
  metadata: {},
  postedAt: null,
  madeBy: null,
  analysis: null,
  ...part,
});

export const anEpic = (number: number, part: Partial<EpicFromAPI> = {}): EpicFromAPI => ({
  id: `p1-E${number}`,
  projectId: "p1",
  code: `E${number}`,
  title: `Epic ${number}`,
  description: "",
  goal: "",
  cardIds: [],
  priority: "medium",
  runId: null,
  madeBy: null,
  createdAt: AT,
  ...part,
});

export const aStory = (epic: number, number: number, part: Partial<StoryFromAPI> = {}): StoryFromAPI => ({
  id: `p1-E${epic}-S${number}`,
  epicId: `p1-E${epic}`,
  projectId: "p1",
  code: `S${number}`,
  title: `Story ${number}`,
  role: "",
  want: "",
  benefit: "",
  acceptanceCriteria: [],
  priority: "medium",
  effort: "M",
  cardIds: [],
  runId: null,
  madeBy: null,
  createdAt: AT,
  ...part,
});

export const aSubtask = (
  story: string,
  number: number,
  part: Partial<SubtaskFromAPI> = {},
): SubtaskFromAPI => ({
  id: `p1-${story}-ST${number}`,
  storyId: `p1-${story}`,
  projectId: "p1",
  code: `ST${number}`,
  title: `Subtask ${number}`,
  description: "",
  effort: "S",
  runId: null,
  madeBy: null,
  createdAt: AT,
  ...part,
});

export const aRepository = (part: Partial<Repository> = {}): Repository => ({
  id: "r1",
  name: "Shop",
  url: "https://github.com/example/shop",
  defaultBranch: "main",
  credentialsSecret: null,
  checks: null,
  createdAt: AT,
  ...part,
});

export const aBaseline = (part: Partial<Baseline> = {}): Baseline => ({
  commit: "0123456789abcdef",
  status: "passed",
  steps: [],
  suggested: { setup: [], verify: [] },
  reason: null,
  activity: "",
  seconds: 0,
  costUsd: 0,
  requestedAt: AT,
  endedAt: AT,
  ...part,
});

export const aCommand = (command: string, part: Partial<CommandResult> = {}): CommandResult => ({
  command,
  setup: false,
  why: "exit",
  exitCode: 0,
  detail: "",
  seconds: 1.5,
  log: "",
  logTruncated: false,
  flaky: false,
  ...part,
});

export const aTaskCheck = (command: string, part: Partial<TaskCheck> = {}): TaskCheck => ({
  ...aCommand(command),
  tree: "feedc0ffee",
  commit: "0123456789abcdef",
  status: "passed",
  costUsd: 0,
  kind: "task",
  attempt: 1,
  startedAt: AT,
  ...part,
});
