/** What of a plan waits for a person: what the page puts on top, and what the list marks. */
import type { Progress, TaskProgress } from "@/plans/model";

export interface Waiting {
  kind: "approval" | "failed" | "checkpoint" | "paused" | "died" | "rollback-failed";
  title: string;
  detail: string;
  task?: TaskProgress;
}

type Standing = Pick<Progress, "status" | "cause" | "reason" | "execution" | "rollback" | "tasks" | "phases">;

/** In the order of what blocks most: an execution that has died, failed tasks, approvals, then pauses. */
export function waitingForPerson(progress: Standing): Waiting[] {
  const ofPlan = planWaits(progress);
  const executing = ["RUNNING", "PAUSING", "PAUSED"].includes(progress.status);
  const ofTasks = executing ? [...failures(progress), ...approvals(progress)] : [];
  const first = ofPlan.filter((one) => one.kind === "died");
  // a failure that pauses the plan is told by its task
  const others = ofPlan.filter((one) => one.kind !== "died");
  return [...first, ...ofTasks, ...others];
}

function planWaits(progress: Standing): Waiting[] {
  const found: Waiting[] = [];
  if (progress.status === "FAILED" && progress.execution > 0) {
    const detail = progress.reason ?? "Nothing is lost: it goes on where the records stand.";
    found.push({ kind: "died", title: "The execution has ended before the plan", detail });
  }
  if (progress.status === "PAUSED" && progress.cause === "phase") {
    const detail = progress.reason ?? "Look at what has been done, then let it go on.";
    found.push({ kind: "checkpoint", title: "A phase is done", detail });
  }
  if (progress.status === "PAUSED" && progress.cause === "person") {
    const detail = progress.reason ?? "Nothing begins before somebody resumes it.";
    found.push({ kind: "paused", title: "Paused by a person", detail });
  }
  if (progress.rollback?.status === "FAILED") {
    const detail = progress.rollback.error ?? "What was taken back stays so, the rest stays done.";
    found.push({ kind: "rollback-failed", title: "The rollback could not go on", detail });
  }
  return found;
}

function failures(progress: Standing): Waiting[] {
  return progress.tasks
    .filter((task) => task.status === "FAILED")
    .map((task) => ({ kind: "failed", title: task.title, detail: task.errorMsg ?? "It has failed.", task }));
}

function approvals(progress: Standing): Waiting[] {
  return progress.tasks
    .filter((task) => task.status === "AWAITING_APPROVAL")
    .map((task) => ({
      kind: "approval",
      title: task.title,
      detail: "It begins once somebody approves it.",
      task,
    }));
}
