import { useState } from "react";

import { dependentsOf } from "@/plans/dependencies";
import { FormDialog } from "@/plans/FormDialog";
import s from "@/plans/forms.module.css";
import type { TaskProgress } from "@/plans/model";
import { skipTask } from "@/services/executions";
import { plural } from "@/ui/format";
import { RadioCards } from "@/ui/RadioCards";

import type { DialogProps } from "./AskedDialog";

type Dependents = "skip" | "run";

/** To do without a task, and what becomes of the tasks that wait for it. */
export function SkipDialog({ plan, control, onClose, task }: DialogProps & { task: TaskProgress }) {
  const [dependents, setDependents] = useState<Dependents>("skip");
  const waiting = dependentsOf(plan, task.id);
  return (
    <FormDialog
      title={`Skip “${task.title}”?`}
      description="The plan goes on without it."
      submit="Skip it"
      busy={control.isPending}
      onSubmit={() => control.mutate({ ask: () => skipTask(task.id, dependents) }, { onSuccess: onClose })}
      onClose={onClose}
    >
      {waiting.length > 0 && (
        <>
          <RadioCards<Dependents>
            label={`${plural(waiting.length, "task")} ${waiting.length === 1 ? "waits" : "wait"} for it`}
            value={dependents}
            onValueChange={setDependents}
            choices={[
              { value: "skip", label: "Skip them too", hint: "And whatever waits for them." },
              { value: "run", label: "Let them go on", hint: "As if this one were done." },
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
