import { useState } from "react";

import { FormDialog } from "@/plans/FormDialog";
import type { TaskProgress } from "@/plans/model";
import { completeTask } from "@/services/executions";
import { Field } from "@/ui/Field";

import type { PlanDialogProps } from "./dialogProps";

const SHA = /^[0-9a-f]{7,64}$/;

/** Mark a task as completed manually, with an optional commit. */
export function CompleteDialog({ control, onClose, task }: PlanDialogProps & { task: TaskProgress }) {
  const [sha, setSha] = useState("");
  const [note, setNote] = useState("");
  const commitSha = sha.trim().toLowerCase() || null;
  const isWrong = commitSha !== null && !SHA.test(commitSha);
  const send = () => completeTask(task.id, { commitSha, note: note.trim() || null });
  return (
    <FormDialog
      title={`Complete “${task.title}” manually?`}
      description="The task counts as completed, and its dependents can start."
      submit="Complete task"
      isDisabled={isWrong}
      busy={control.isPending}
      onSubmit={() => control.mutate({ send }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <Field
        label="Commit"
        hint="Optional. The SHA of your commit."
        error={isWrong ? "Enter 7 to 64 hexadecimal digits." : null}
      >
        {(props) => (
          <input {...props} value={sha} spellCheck={false} onChange={(event) => setSha(event.target.value)} />
        )}
      </Field>
      <Field label="Note" hint="Optional. Shown to everyone who views the plan.">
        {(props) => (
          <textarea
            {...props}
            value={note}
            maxLength={1000}
            onChange={(event) => setNote(event.target.value)}
          />
        )}
      </Field>
    </FormDialog>
  );
}
