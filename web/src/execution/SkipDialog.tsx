import { useState } from "react";

import { dependentsOf } from "@/plans/dependencies";
import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import type { TaskProgress } from "@/plans/model";
import { skipTask } from "@/services/executions";
import { plural } from "@/ui/format";
import { RadioCards } from "@/ui/RadioCards";

import type { PlanDialogProps } from "./dialogProps";

type Dependents = "skip" | "run";

/** Skip a task, and skip or run its dependents. */
export function SkipDialog({ plan, control, onClose, task }: PlanDialogProps & { task: TaskProgress }) {
  const [dependents, setDependents] = useState<Dependents>("skip");
  const waiting = dependentsOf(plan, task.id);
  return (
    <FormDialog
      title={`Skip “${task.title}”?`}
      description="The plan continues without this task."
      submit="Skip task"
      busy={control.isPending}
      onSubmit={() => control.mutate({ send: () => skipTask(task.id, dependents) }, { onSuccess: onClose })}
      onClose={onClose}
    >
      {waiting.length > 0 && (
        <>
          <RadioCards<Dependents>
            label={plural(waiting.length, "dependent task")}
            value={dependents}
            onValueChange={setDependents}
            choices={[
              { value: "skip", label: "Skip them too", hint: "And their dependents." },
              { value: "run", label: "Run them", hint: "As if this task were completed." },
            ]}
          />
          <ul className={s.list}>
            {waiting.map(({ id, title }) => (
              <li key={id}>{title}</li>
            ))}
          </ul>
        </>
      )}
    </FormDialog>
  );
}
