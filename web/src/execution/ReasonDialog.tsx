import { useState } from "react";

import { FormDialog } from "@/plans/FormDialog";
import type { TaskProgress } from "@/plans/model";
import { pausePlan, rejectTask } from "@/services/executions";
import { Field } from "@/ui/Field";

import type { PlanDialogProps } from "./dialogProps";

/** Pause a plan or reject a task, with an optional reason. */
export function ReasonDialog({ plan, control, onClose, task }: PlanDialogProps & { task?: TaskProgress }) {
  const [reason, setReason] = useState("");
  const said = reason.trim() || null;
  const send = () => (task ? rejectTask(task.id, said) : pausePlan(plan.id, said));
  return (
    <FormDialog
      title={task ? `Reject “${task.title}”?` : "Pause the plan?"}
      description={
        task
          ? "The task does not start. The plan pauses until someone edits, skips or completes the task."
          : "No new task starts. Running tasks finish their current step first."
      }
      submit={task ? "Reject task" : "Pause plan"}
      isDangerous={task !== undefined}
      busy={control.isPending}
      onSubmit={() => control.mutate({ send }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <Field label="Reason" hint="Optional. Shown to everyone who views the plan.">
        {(props) => (
          <textarea
            {...props}
            value={reason}
            maxLength={1000}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
