import { type PointerEvent, useCallback, useEffect, useRef, useState } from "react";

import type { Place } from "@/plans/moves";

import { dropTarget, type Row } from "./dropTarget";

type Dragged = {
  taskId: string;
  /** Vertical distance from the start, in pixels. */
  dy: number;
  /** Current drop position, or null. */
  place: Place | null;
};

/** Minimum distance of a drag, to tolerate unsteady clicks. */
const SLACK_PX = 5;
/** Distance from the window's edge for automatic scrolling. */
const EDGE_PX = 70;

/**
 * Drag a task by its handle with mouse, pen or touch. Finds rows by `data-task-id` and lists by `data-phase-id`. The
 * handle itself supports arrow keys.
 */
export function useTaskDrag(onDrop: (taskId: string, place: Place) => void) {
  const [dragged, setDragged] = useState<Dragged | null>(null);
  const began = useRef<{ taskId: string; x: number; y: number; scroll: number } | null>(null);

  const start = useCallback((taskId: string, event: PointerEvent) => {
    if (event.button !== 0) return;
    began.current = { taskId, x: event.clientX, y: event.clientY, scroll: window.scrollY };
    event.currentTarget.setPointerCapture(event.pointerId);
  }, []);

  const move = useCallback((event: PointerEvent) => {
    const from = began.current;
    if (!from) return;
    const dx = event.clientX - from.x;
    const dy = event.clientY - from.y + window.scrollY - from.scroll;
    setDragged((now) =>
      now || Math.hypot(dx, dy) > SLACK_PX
        ? { taskId: from.taskId, dy, place: dropTarget(rowsOf(from.taskId), event.clientY) }
        : null,
    );
    scrollAlong(event.clientY);
  }, []);

  const stop = useCallback(() => {
    began.current = null;
    setDragged(null);
  }, []);

  const end = useCallback(() => {
    if (dragged?.place) onDrop(dragged.taskId, dragged.place);
    stop();
  }, [dragged, onDrop, stop]);

  useEffect(() => {
    if (!dragged) return;
    const escape = (event: KeyboardEvent) => event.key === "Escape" && stop();
    window.addEventListener("keydown", escape);
    return () => window.removeEventListener("keydown", escape);
  }, [dragged, stop]);

  const handle = (taskId: string) => ({
    onPointerDown: (event: PointerEvent) => start(taskId, event),
    onPointerMove: move,
    onPointerUp: end,
    onPointerCancel: stop,
  });
  return { dragged, handle };
}

/** Positions of lists and rows, without the dragged row. */
function rowsOf(draggedId: string): Row[] {
  return [...document.querySelectorAll<HTMLElement>("[data-phase-id]")].map((list) => {
    const { top, bottom } = list.getBoundingClientRect();
    const tasks = [...list.querySelectorAll<HTMLElement>("[data-task-id]")];
    const middles = tasks
      .filter((row) => row.dataset.taskId !== draggedId)
      .map((row) => middleOf(row.getBoundingClientRect()));
    return { phaseId: list.dataset.phaseId ?? "", top, bottom, middles };
  });
}

function middleOf({ top, height }: DOMRect): number {
  return top + height / 2;
}

function scrollAlong(y: number): void {
  if (y < EDGE_PX) window.scrollBy(0, -12);
  else if (y > window.innerHeight - EDGE_PX) window.scrollBy(0, 12);
}
