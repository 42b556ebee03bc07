import "@xyflow/react/dist/base.css";

import {
  Background,
  type Connection,
  Controls,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
  type NodeSelectionChange,
  type OnConnectStartParams,
  ReactFlow,
} from "@xyflow/react";
import { useMemo, useState } from "react";

import { refusalOf } from "@/plans/dependencies";
import { layoutOf } from "@/plans/layout";
import { type Plan, tasksOf } from "@/plans/model";

import { BandNodeView } from "./BandNodeView";
import { DependencyEdgeView } from "./DependencyEdgeView";
import { edgesOf, nodesOf, type PlanNode, type DependencyHandler, type States } from "./elements";
import s from "./PlanGraph.module.css";
import { TaskNodeView } from "./TaskNodeView";

const NODE_TYPES = { task: TaskNodeView, band: BandNodeView };
const EDGE_TYPES = { dependency: DependencyEdgeView };
/** Margin of the drawing, including the hint. */
const MARGIN_PX = 110;
const NOTHING: ReadonlyMap<string, string> = new Map();

type Props = {
  plan: Plan;
  /** Task states; null in the editor. */
  states?: States | null;
  currentPhaseId?: string | null;
  chosenId?: string | null;
  onChoose: (taskId: string) => void;
  /** Handlers for editing; `taskId` depends on `otherId`. */
  onDepend?: DependencyHandler;
  onRelease?: DependencyHandler;
};

/** Plan as a graph. While drawing a line, invalid targets are dimmed and labeled. */
export default function PlanGraph({
  plan,
  states = null,
  currentPhaseId = null,
  chosenId = null,
  ...on
}: Props) {
  const drawing = useDrawing(plan, on.onDepend);
  const isEditable = on.onDepend !== undefined;
  const { onRelease } = on;
  const nodes = useMemo(
    () => nodesOf({ plan, states, currentPhaseId, chosenId, refusals: drawing.refusals, isEditable }),
    [plan, states, currentPhaseId, chosenId, drawing.refusals, isEditable],
  );
  const [edgeId, setEdgeId] = useState<string | null>(null);
  const drawn = useMemo(
    () => edgesOf(plan, states, isEditable, onRelease ?? (() => undefined)),
    [plan, states, isEditable, onRelease],
  );
  const edges = useMemo(
    () => drawn.map((edge) => ({ ...edge, selected: edge.id === edgeId })),
    [drawn, edgeId],
  );
  return (
    <div className={s.graph} style={{ height: heightOf(plan) }} data-testid="plan-graph">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodeClick={(_, node) => choose(node, on.onChoose)}
        onNodesChange={(changes) => {
          // keyboard selection; clicks end here too
          const chosen = nodes.find(({ id }) => changes.some((one) => isChoice(one) && one.id === id));
          if (chosen) choose(chosen, on.onChoose);
        }}
        onEdgesChange={(changes) => {
          const chosen = changes.find(isChoice);
          if (chosen) setEdgeId(chosen.id);
          else if (changes.some((one) => one.type === "select" && one.id === edgeId)) setEdgeId(null);
        }}
        onEdgesDelete={(gone) => gone.forEach((edge) => onRelease?.(edge.target, edge.source))}
        {...drawing.handlers}
        connectionRadius={48}
        nodesConnectable={isEditable}
        nodesDraggable={false}
        deleteKeyCode={isEditable ? ["Delete", "Backspace"] : null}
        minZoom={0.15}
        maxZoom={1.5}
        fitView
        fitViewOptions={{ padding: 0.06, maxZoom: 1 }}
        onlyRenderVisibleElements={nodes.length > 120}
        preventScrolling={false}
        zoomOnScroll={false}
        aria-label="Plan graph"
      >
        <Background gap={20} size={1.2} color="var(--line)" />
        <Controls showInteractive={false} />
      </ReactFlow>
      {isEditable && (
        <p className={`${s.hint} ${drawing.refused ? s.hintRefused : ""}`} role="status">
          {drawing.refused ??
            "Drag from a task’s right edge to the task that depends on it. Select a line to remove it."}
        </p>
      )}
    </div>
  );
}

/** Height of the drawing, limited to the window. */
function heightOf(plan: Plan): string {
  const last = layoutOf(plan).bands.at(-1);
  const wanted = (last ? last.y + last.height : 0) + MARGIN_PX;
  return `clamp(260px, ${wanted}px, 72vh)`;
}

function isChoice(change: NodeChange | EdgeChange): change is NodeSelectionChange {
  return change.type === "select" && change.selected;
}

function choose(node: PlanNode, onChoose: (taskId: string) => void): void {
  if (node.type === "task") onChoose(node.id);
}

/** State of a line being drawn: refusals per target, and the reason after an invalid end. */
function useDrawing(plan: Plan, onDepend: DependencyHandler | undefined) {
  const [refusals, setRefusals] = useState(NOTHING);
  const [refused, setRefused] = useState<string | null>(null);
  const begin = (_: unknown, { nodeId, handleType }: OnConnectStartParams) => {
    setRefused(null);
    if (nodeId) setRefusals(refusalsFrom(plan, nodeId, handleType === "source"));
  };
  const end = (_: unknown, { isValid, toNode }: FinalConnectionState) => {
    if (toNode && !isValid) setRefused(refusals.get(toNode.id) ?? null);
    setRefusals(NOTHING);
  };
  const connect = ({ source, target }: Connection) => onDepend?.(target, source);
  const isValid = ({ source, target }: { source: string; target: string }) =>
    refusalOf(plan, target, source) === null;
  const handlers = {
    onConnectStart: begin,
    onConnectEnd: end,
    onConnect: connect,
    isValidConnection: isValid,
  };
  return { refusals, refused, handlers };
}

/** Refusal by target task, without the start task. */
export function refusalsFrom(plan: Plan, fromId: string, isForwards: boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { id } of tasksOf(plan)) {
    const refusal = isForwards ? refusalOf(plan, id, fromId) : refusalOf(plan, fromId, id);
    if (refusal && id !== fromId) found.set(id, refusal.message);
  }
  return found;
}
