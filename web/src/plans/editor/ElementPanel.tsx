import { phaseOf, taskOf } from "@/plans/model";
import { usePlanContext } from "@/plans/planContext";
import { Dialog } from "@/ui/Dialog";

import { PhaseForm } from "./PhaseForm";
import { PlanForm } from "./PlanForm";
import { TaskForm } from "./TaskForm";

/** Side panel to edit a task, a phase or the plan. */
export function ElementPanel({ id, onClose }: { id: string; onClose: () => void }) {
  const { plan } = usePlanContext();
  if (id === plan.id) return <PlanForm plan={plan} onClose={onClose} />;
  const phase = plan.phases.find((one) => one.id === id);
  if (phase) return <PhaseForm plan={plan} phase={phase} onClose={onClose} />;
  const [task, around] = [taskOf(plan, id), phaseOf(plan, id)];
  if (task && around) return <TaskForm plan={plan} phase={around} task={task} onClose={onClose} />;
  return (
    <Dialog open onOpenChange={onClose} title="Not found" side>
      <p>It was deleted, or it belongs to another version of the plan. See the history.</p>
    </Dialog>
  );
}
