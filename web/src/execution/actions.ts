/** Actions allowed in the current state; the API rejects all others. */
import { type Plan, type Progress, type TaskProgress, isExecuting } from "@/plans/model";

type PlanAction =
  "execute" | "again" | "pause" | "resume" | "cancel" | "rollback" | "schedule" | "unschedule";

type TaskAction = "approve" | "reject" | "retry" | "complete" | "skip" | "rollback";

type PlanState = Pick<
  Progress,
  "status" | "cause" | "execution" | "rollback" | "schedule" | "tasks" | "phases"
>;

const BEFORE = ["DRAFT", "READY"];
const AFTER = ["COMPLETED", "CANCELLED"];
const WAITS = ["PENDING", "WAITING", "AWAITING_APPROVAL"];
const ENDED = ["COMPLETED", "SKIPPED", "CANCELLED"];

export function isRollingBack(progress: Pick<Progress, "rollback">): boolean {
  return progress.rollback?.status === "RUNNING";
}

/** True if a run ended early: it can be resumed. A failed generation cannot. */
function hasEndedEarly(progress: PlanState): boolean {
  return progress.status === "FAILED" && progress.execution > 0;
}

export function planActions(progress: PlanState): Set<PlanAction> {
  const { status, cause } = progress;
  const offered = new Set<PlanAction>();
  const still = !isRollingBack(progress);
  if (BEFORE.includes(status) && still && isComplete(progress)) offered.add("execute");
  if (AFTER.includes(status) && still && isComplete(progress)) offered.add("again");
  if (status === "RUNNING" || (isExecuting(status) && cause !== "person")) offered.add("pause");
  if ((status === "PAUSED" || status === "PAUSING" || hasEndedEarly(progress)) && still)
    offered.add("resume");
  if (isExecuting(status) || hasEndedEarly(progress)) offered.add("cancel");
  if (canRollBack(progress) && progress.tasks.some(hasChange)) offered.add("rollback");
  if ([...BEFORE, ...AFTER].includes(status) && isComplete(progress)) offered.add("schedule");
  if (progress.schedule) offered.add("unschedule");
  return offered;
}

export function taskActions(progress: PlanState, task: TaskProgress): Set<TaskAction> {
  const offered = new Set<TaskAction>();
  if (isExecuting(progress.status) && !isRollingBack(progress)) {
    const failed = task.status === "FAILED";
    const waits = WAITS.includes(task.status);
    if (task.status === "AWAITING_APPROVAL") offered.add("approve").add("reject");
    if (failed) offered.add("retry");
    if ((failed || waits) && isUnblocked(progress, task)) offered.add("complete");
    if (failed || waits) offered.add("skip");
  }
  if (canRollBack(progress) && hasChange(task)) offered.add("rollback");
  return offered;
}

/** True if all dependencies and earlier phases have ended. */
export function isUnblocked(progress: Pick<Progress, "tasks" | "phases">, task: TaskProgress): boolean {
  if (task.waitsFor.length > 0) return false;
  const order = progress.phases.map((phase) => phase.id);
  const mine = order.indexOf(task.phaseId);
  return progress.tasks.every(
    (other) => order.indexOf(other.phaseId) >= mine || ENDED.includes(other.status),
  );
}

/** Message if a plan cannot run yet, or null. */
export function incompleteReason(plan: Pick<Plan, "phases">): string | null {
  if (plan.phases.length === 0) return "Add a phase with tasks first.";
  const empty = plan.phases.find((phase) => phase.tasks.length === 0);
  return empty ? `Phase “${empty.title}” has no tasks yet.` : null;
}

function isComplete(progress: Pick<Progress, "phases" | "tasks">): boolean {
  const filled = new Set(progress.tasks.map((task) => task.phaseId));
  return progress.phases.length > 0 && progress.phases.every((phase) => filled.has(phase.id));
}

function canRollBack(progress: PlanState): boolean {
  const ended = ["PAUSED", "FAILED", "COMPLETED", "CANCELLED"].includes(progress.status);
  return ended && progress.execution > 0 && !isRollingBack(progress);
}

/** True if the task has a commit or a patch to roll back. */
export function hasChange(task: Pick<TaskProgress, "status" | "commitSha" | "filesChanged">): boolean {
  return task.status === "COMPLETED" && (task.commitSha !== null || task.filesChanged.length > 0);
}
