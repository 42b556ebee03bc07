import { Handle, type NodeProps, Position } from "@xyflow/react";
import { Ban } from "lucide-react";
import { memo } from "react";

import { TASK_STATUSES } from "@/plans/statuses";

import type { TaskNode } from "./elements";
import s from "./PlanGraph.module.css";

/** Task card with title and status. Lines start at the right edge and end at the left. */
export const TaskNodeView = memo(function TaskNodeView({ data }: NodeProps<TaskNode>) {
  const { task, state, isChosen, refused, isEditable } = data;
  const status = state ? TASK_STATUSES[state.status] : null;
  const Icon = status?.icon;
  const classes = [s.node, s[status?.tone ?? "plain"], isChosen && s.chosen, refused && s.refused];
  return (
    <div className={classes.filter(Boolean).join(" ")} title={refused ?? task.title}>
      <Handle type="target" position={Position.Left} isConnectable={isEditable} />
      <p className={s.title}>{task.title}</p>
      <p className={s.foot}>
        {refused ? (
          <span className={s.why}>
            <Ban size={12} aria-hidden /> Not allowed
          </span>
        ) : status && Icon ? (
          <span className={s.status}>
            <Icon size={13} aria-hidden className={status.isMoving ? s.moving : ""} /> {status.label}
          </span>
        ) : (
          <span className={`${s.key} mono`}>{task.key}</span>
        )}
        <span className={s.effort}>
          {state && state.attempts > 1 ? `Attempt ${state.attempts}` : task.effort}
        </span>
      </p>
      <Handle type="source" position={Position.Right} isConnectable={isEditable} />
    </div>
  );
});
