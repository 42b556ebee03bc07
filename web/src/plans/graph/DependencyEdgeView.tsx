import { BaseEdge, EdgeLabelRenderer, type EdgeProps } from "@xyflow/react";
import { X } from "lucide-react";

import { middleOf, pathOf } from "@/plans/routing";

import type { DependencyEdge } from "./elements";
import s from "./PlanGraph.module.css";

/** Dependency line; shows a remove button when selected. */
export function DependencyEdgeView({ id, data, selected, markerEnd }: EdgeProps<DependencyEdge>) {
  const points = data?.points ?? [];
  const { x, y } = middleOf(points);
  return (
    <>
      <BaseEdge id={id} path={pathOf(points)} interactionWidth={24} {...(markerEnd ? { markerEnd } : {})} />
      {selected && data?.isEditable && (
        <EdgeLabelRenderer>
          <button
            type="button"
            className={`${s.remove} nodrag nopan`}
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
            aria-label={`Remove: ${data.label}`}
            onClick={data.onRemove}
          >
            <X size={13} aria-hidden />
          </button>
        </EdgeLabelRenderer>
      )}
    </>
  );
}
