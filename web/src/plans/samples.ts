/** Builders of plans and progress for tests. */
import type { Iteration, Phase, Plan, Progress, Suggestion, Task, TaskProgress } from "./model";

export function aTask(key: string, dependsOn: string[] = [], fields: Partial<Task> = {}): Task {
  return {
    id: key,
    key,
    title: `Do ${key}`,
    description: "",
    acceptanceCriteria: [],
    dependsOn,
    repositoryId: null,
    effort: "M",
    changeAsked: true,
    files: [],
    storyId: null,
    subtaskId: null,
    condition: null,
    status: "PENDING",
    attempts: 0,
    commitSha: null,
    errorMsg: null,
    maxCostUsd: null,
    model: null,
    modelEffort: null,
    review: null,
    activity: null,
    verified: null,
    ...fields,
  };
}

export function aPhase(id: string, tasks: Task[] = [], fields: Partial<Phase> = {}): Phase {
  return {
    id,
    title: id,
    description: "",
    mode: "parallel",
    pauseAfter: false,
    condition: null,
    tasks,
    ...fields,
  };
}

export function aPlan(phases: Phase[], fields: Partial<Plan> = {}): Plan {
  return {
    id: "plan",
    repositoryId: "repository",
    title: "A plan",
    status: "DRAFT",
    version: 1,
    taskCount: phases.reduce((count, phase) => count + phase.tasks.length, 0),
    storyIds: [],
    error: null,
    madeBy: null,
    createdAt: "2026-11-21T10:00:00.000Z",
    updatedAt: "2026-11-21T10:00:00.000Z",
    description: "",
    branch: null,
    autoCommit: true,
    maxParallel: 10,
    maxCostUsd: null,
    model: null,
    modelEffort: null,
    review: false,
    phases,
    ...fields,
  };
}

const NO_TOKENS = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

export function aTaskProgress(key: string, fields: Partial<TaskProgress> = {}): TaskProgress {
  return {
    id: key,
    key,
    title: `Do ${key}`,
    phaseId: "one",
    status: "PENDING",
    waitsFor: [],
    attempts: 0,
    commitSha: null,
    revertSha: null,
    errorMsg: null,
    activity: null,
    verified: null,
    findings: [],
    reviewed: null,
    note: null,
    summary: "",
    filesChanged: [],
    turns: 0,
    tokens: NO_TOKENS,
    costUsd: 0,
    startedAt: null,
    completedAt: null,
    ...fields,
  };
}

/** Derives phases from the tasks' phase ids. */
export function aProgress(tasks: TaskProgress[], fields: Partial<Progress> = {}): Progress {
  const phaseIds = [...new Set(tasks.map((task) => task.phaseId))];
  return {
    planId: "plan",
    status: "RUNNING",
    cause: null,
    reason: null,
    version: 1,
    branch: "groundwork/plan",
    execution: 1,
    seq: 1,
    schedule: null,
    rollback: null,
    phases: phaseIds.map((id) => ({
      id,
      title: id,
      mode: "parallel",
      status: "PENDING",
      taskCounts: {},
      tokens: NO_TOKENS,
      costUsd: 0,
    })),
    phaseCounts: {},
    taskCounts: {},
    totalTasks: tasks.length,
    progress: 0,
    currentPhaseId: phaseIds[0] ?? null,
    tasks,
    tokens: NO_TOKENS,
    costUsd: 0,
    elapsedMs: 0,
    estimatedRemainingMs: null,
    startedAt: null,
    completedAt: null,
    passedOver: null,
    events: [],
    pollAfterMs: 2000,
    ...fields,
  };
}

export function aSuggestion(index: number, fields: Partial<Suggestion> = {}): Suggestion {
  return {
    index,
    operation: { type: "update", taskId: "a", fields: { title: "Better" } },
    reason: "Because.",
    version: 1,
    before: { taskId: "a", title: "Do a" },
    after: { taskId: "a", title: "Better" },
    schedule: null,
    stale: false,
    conflictsWith: [],
    ...fields,
  };
}

export function aReview(suggestions: Iteration["suggestions"]): Iteration {
  return {
    id: "plan-I2",
    planId: "plan",
    number: 2,
    kind: "REVIEWED",
    status: "DONE",
    who: "Ada",
    summary: "Reviewed the plan",
    fromVersion: 1,
    version: 1,
    createdAt: "2026-11-21T10:00:00.000Z",
    changes: [],
    changeCount: 0,
    runId: null,
    request: null,
    sourceIterationId: null,
    suggestionIndices: [],
    restoredVersion: null,
    suggestions,
    dropped: [],
    schedule: null,
    error: null,
    madeBy: null,
  };
}
