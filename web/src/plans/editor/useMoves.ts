import { useEffect, useRef, useState } from "react";

import type { Phase, Plan } from "@/plans/model";
import {
  brokenByMove,
  phaseMove,
  type Place,
  describePlace,
  taskMove,
  withPhaseAt,
  withTaskAt,
} from "@/plans/moves";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { changePhase, changeTask } from "@/services/plans";
import { toast } from "@/ui/toast";

/** Move tasks and phases. `announcement` describes the last move for screen readers. */
export function useMoves(plan: Plan) {
  const [announcement, announce] = useState("");
  const { mutate } = usePlanEdit(plan.id);

  // a row in another phase is a new element: restore the keyboard focus
  const moved = useRef<string | null>(null);
  useEffect(() => {
    const grip = moved.current && document.querySelector<HTMLElement>(`[data-grip="${moved.current}"]`);
    if (grip && (document.activeElement === document.body || document.activeElement === null)) grip.focus();
  }, [plan]);

  const refused = (after: Plan): boolean => {
    const fault = brokenByMove(plan, after);
    if (!fault) return false;
    announce(`Not moved. ${fault.message}`);
    toast.error("Cannot move here", fault.message);
    return true;
  };

  const moveTask = (taskId: string, place: Place) => {
    const patch = taskMove(plan, taskId, place);
    const after = withTaskAt(plan, taskId, place);
    if (!patch || refused(after)) return;
    moved.current = taskId;
    announce(describePlace(after, taskId));
    mutate({
      send: (version) => changeTask(taskId, patch, version),
      expected: (now) => withTaskAt(now, taskId, place),
    });
  };

  const movePhase = (phase: Phase, position: number) => {
    const patch = phaseMove(plan, phase.id, position);
    if (!patch || refused(withPhaseAt(plan, phase.id, position))) return;
    announce(`${phase.title}: phase ${position + 1} of ${plan.phases.length}`);
    mutate({
      send: (version) => changePhase(phase.id, patch, version),
      expected: (now) => withPhaseAt(now, phase.id, position),
    });
  };

  return { announcement, moveTask, movePhase };
}
