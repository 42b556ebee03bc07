/** Decisions needed from a user. */
import type { Progress, TaskProgress } from "@/plans/model";

export interface AttentionItem {
  kind: "approval" | "failed" | "checkpoint" | "paused" | "trouble" | "limit" | "died" | "rollback-failed";
  title: string;
  detail: string;
  task?: TaskProgress;
}

type PlanState = Pick<
  Progress,
  "status" | "cause" | "reason" | "execution" | "rollback" | "tasks" | "phases"
>;

/** Ordered by severity: an early end, failed tasks, approvals, pauses. */
export function attentionItems(progress: PlanState): AttentionItem[] {
  const ofPlan = planItems(progress);
  const executing = ["RUNNING", "PAUSING", "PAUSED"].includes(progress.status);
  const ofTasks = executing ? [...failures(progress), ...approvals(progress)] : [];
  const first = ofPlan.filter((one) => one.kind === "died");
  // the failed task already explains a pause after a failure
  const others = ofPlan.filter((one) => one.kind !== "died");
  return [...first, ...ofTasks, ...others];
}

function planItems(progress: PlanState): AttentionItem[] {
  const found: AttentionItem[] = [];
  if (progress.status === "FAILED" && progress.execution > 0) {
    const detail = progress.reason ?? "Nothing is lost. Resume to continue from the saved state.";
    found.push({ kind: "died", title: "The run ended before the plan was complete", detail });
  }
  if (progress.status === "PAUSED" && progress.cause === "phase") {
    const detail = progress.reason ?? "Review the results, then continue.";
    found.push({ kind: "checkpoint", title: "Phase completed", detail });
  }
  if (progress.status === "PAUSED" && progress.cause === "person") {
    const detail = progress.reason ?? "No task starts until someone resumes the plan.";
    found.push({ kind: "paused", title: "Paused by a user", detail });
  }
  if (progress.status === "PAUSED" && progress.cause === "trouble") {
    const detail = progress.reason ?? "Remove the cause, then resume the plan.";
    found.push({ kind: "trouble", title: "A problem outside the plan stopped it", detail });
  }
  if (progress.status === "PAUSED" && progress.cause === "limit") {
    const detail = progress.reason ?? "Raise the cost limit in the plan’s details, then resume the plan.";
    found.push({ kind: "limit", title: "Cost limit reached", detail });
  }
  if (progress.rollback?.status === "FAILED") {
    const detail = progress.rollback.error ?? "Changes already rolled back stay rolled back.";
    found.push({ kind: "rollback-failed", title: "Rollback failed", detail });
  }
  return found;
}

function failures(progress: PlanState): AttentionItem[] {
  return progress.tasks
    .filter((task) => task.status === "FAILED")
    .map((task) => ({
      kind: "failed",
      title: task.title,
      detail: task.errorMsg ?? "The task failed.",
      task,
    }));
}

function approvals(progress: PlanState): AttentionItem[] {
  return progress.tasks
    .filter((task) => task.status === "AWAITING_APPROVAL")
    .map((task) => ({
      kind: "approval",
      title: task.title,
      detail: "The task starts after approval.",
      task,
    }));
}
