/** Convert a plan to nodes and edges of React Flow; edges point to the dependent task. */
import { type Edge, MarkerType, type Node } from "@xyflow/react";

import { layoutOf, NODE, type Spot } from "@/plans/layout";
import { type Phase, type Plan, type Task, type TaskProgress, tasksOf } from "@/plans/model";
import { routeOf } from "@/plans/routing";
import { TASK_STATUSES } from "@/plans/statuses";

export type States = ReadonlyMap<string, TaskProgress>;

export type TaskNodeData = {
  task: Task;
  /** Task state; null in the editor. */
  state: TaskProgress | null;
  isChosen: boolean;
  /** Reason against ending the current line here. */
  refused: string | null;
  isEditable: boolean;
};
export type BandNodeData = { phase: Phase; isCurrent: boolean };
export type EdgeData = { isEditable: boolean; label: string; points: Spot[]; onRemove: () => void };

export type TaskNode = Node<TaskNodeData, "task">;
export type BandNode = Node<BandNodeData, "band">;
export type PlanNode = TaskNode | BandNode;
export type DependencyEdge = Edge<EdgeData, "dependency">;

type GraphInput = {
  plan: Plan;
  states: States | null;
  currentPhaseId: string | null;
  chosenId: string | null;
  refusals: ReadonlyMap<string, string>;
  isEditable: boolean;
};

export function nodesOf({
  plan,
  states,
  currentPhaseId,
  chosenId,
  refusals,
  isEditable,
}: GraphInput): PlanNode[] {
  const layout = layoutOf(plan);
  const bands = plan.phases.flatMap((phase): BandNode[] => {
    const band = layout.bands.find((one) => one.id === phase.id);
    if (!band) return [];
    const data = { phase, isCurrent: phase.id === currentPhaseId };
    return [
      { ...fixed(phase.id, band), type: "band", data, focusable: false, selectable: false, zIndex: -1 },
    ];
  });
  const tasks = plan.phases.flatMap((phase) =>
    phase.tasks.map((task): TaskNode => {
      const state = states?.get(task.id) ?? null;
      const refused = refusals.get(task.id) ?? null;
      return {
        ...fixed(task.id, { ...(layout.spots.get(task.id) ?? { x: 0, y: 0 }), ...NODE }),
        type: "task",
        data: { task, state, isChosen: task.id === chosenId, refused, isEditable },
        ariaLabel: ariaLabelOf(task, phase, plan, state),
      };
    }),
  );
  return [...bands, ...tasks];
}

type Box = { x: number; y: number; width: number; height: number };

function fixed(id: string, { x, y, width, height }: Box) {
  return { id, position: { x, y }, width, height, draggable: false, deletable: false };
}

function ariaLabelOf(task: Task, phase: Phase, plan: Plan, state: TaskProgress | null): string {
  const titles = new Map(plan.phases.flatMap((one) => one.tasks).map((one) => [one.id, one.title]));
  const waits = task.dependsOn.map((id) => titles.get(id) ?? id);
  const status = state ? `, ${TASK_STATUSES[state.status].label}` : "";
  return `${task.title}, in ${phase.title}${status}${waits.length > 0 ? `, depends on ${waits.join(", ")}` : ""}`;
}

export function edgesOf(
  plan: Plan,
  states: States | null,
  isEditable: boolean,
  onRemove: DependencyHandler,
): DependencyEdge[] {
  const layout = layoutOf(plan);
  const tasks = tasksOf(plan);
  const lanes = new Map(tasks.map((task, lane) => [task.id, lane]));
  const titles = new Map(tasks.map((task) => [task.id, task.title]));
  return tasks.flatMap((task) =>
    task.dependsOn.map((otherId): DependencyEdge => {
      const label = `${task.title} depends on ${titles.get(otherId) ?? otherId}`;
      const points = routeOf(layout, otherId, task.id, lanes.get(otherId) ?? 0);
      return {
        id: `${otherId} → ${task.id}`,
        type: "dependency",
        source: otherId,
        target: task.id,
        className: edgeClass(states, otherId, task.id),
        markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16, color: "var(--line-strong)" },
        data: { isEditable, label, points, onRemove: () => onRemove(task.id, otherId) },
        deletable: isEditable,
        focusable: isEditable,
        selectable: isEditable,
        ariaLabel: label,
      };
    }),
  );
}

export type DependencyHandler = (taskId: string, otherId: string) => void;

function edgeClass(states: States | null, from: string, to: string): string {
  if (states?.get(to)?.status === "RUNNING") return "is-running";
  return states?.get(from)?.status === "COMPLETED" ? "is-done" : "";
}
