import { GitFork, GripVertical, Link2 } from "lucide-react";
import { type KeyboardEvent, useSyncExternalStore } from "react";

import { drafts } from "@/plans/drafts";
import { type Plan, type Task, taskOf } from "@/plans/model";
import { type Place, adjacentPlace } from "@/plans/moves";
import { Status } from "@/plans/PlanBadge";
import { TASK_STATUSES } from "@/plans/statuses";

import s from "./Editor.module.css";
import type { useTaskDrag } from "./useTaskDrag";

type Props = {
  plan: Plan;
  task: Task;
  isChosen: boolean;
  isMovable: boolean;
  isDropBefore: boolean;
  onChoose: (id: string) => void;
  moveTask: (taskId: string, place: Place) => void;
  drag: ReturnType<typeof useTaskDrag>;
};

export function TaskRow({ plan, task, isChosen, isMovable, isDropBefore, onChoose, moveTask, drag }: Props) {
  const isDragged = drag.dragged?.taskId === task.id;
  const isUnsaved = useSyncExternalStore(drafts.subscribe, () => drafts.get(task.id) !== null);
  const hasBegun = task.status !== "PENDING";
  const moveBy = (event: KeyboardEvent) => {
    const by = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : null;
    const place = by && adjacentPlace(plan, task.id, by);
    if (by === null) return;
    event.preventDefault();
    if (place) moveTask(task.id, place);
  };
  return (
    <>
      {isDropBefore && <li className={s.drop} aria-hidden />}
      <li
        data-task-id={task.id}
        className={[s.task, isChosen && s.chosen, isDragged && s.dragged].filter(Boolean).join(" ")}
        {...(isDragged && drag.dragged ? { style: { transform: `translateY(${drag.dragged.dy}px)` } } : {})}
      >
        {isMovable && (
          <button
            type="button"
            className={s.grip}
            data-grip={task.id}
            aria-label={`Move ${task.title} (arrow keys or drag)`}
            onKeyDown={moveBy}
            {...drag.handle(task.id)}
          >
            <GripVertical size={16} aria-hidden />
          </button>
        )}
        <button type="button" className={s.taskMain} onClick={() => onChoose(task.id)}>
          <span className={s.taskTitle}>
            {task.title}
            {isUnsaved && <span className={s.unsaved}>Unsaved</span>}
          </span>
          <TaskFacts plan={plan} task={task} />
        </button>
        {hasBegun && <Status shown={TASK_STATUSES[task.status]} />}
        <span className={s.effort} title="Effort">
          <span className="visually-hidden">Effort </span>
          {task.effort}
        </span>
      </li>
    </>
  );
}

function TaskFacts({ plan, task }: { plan: Plan; task: Task }) {
  const waits = task.dependsOn.map((id) => taskOf(plan, id)?.key ?? id);
  return (
    <span className={s.taskFacts}>
      <span className={`${s.key} mono`}>{task.key}</span>
      {waits.length > 0 && (
        <span className={s.fact}>
          <Link2 size={12} aria-hidden /> after {waits.slice(0, 3).join(", ")}
          {waits.length > 3 && ` and ${waits.length - 3} more`}
        </span>
      )}
      {task.condition && (
        <span className={s.fact}>
          <GitFork size={12} aria-hidden /> conditional
        </span>
      )}
    </span>
  );
}
