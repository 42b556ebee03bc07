import { useState } from "react";

import { FormDialog } from "@/plans/FormDialog";
import { MODES, type PhaseMode, type Plan } from "@/plans/model";
import { MODE_LABELS } from "@/plans/modeLabels";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { addPhase } from "@/services/plans";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";

/** Add a phase at the end of the plan. */
export function AddPhase({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  const [title, setTitle] = useState("");
  const [mode, setMode] = useState<PhaseMode>("sequential");
  const edit = usePlanEdit(plan.id);
  const add = () =>
    edit.mutate(
      { send: (version) => addPhase({ planId: plan.id, title: title.trim(), mode }, version), isQuiet: true },
      { onSuccess: onClose },
    );
  return (
    <FormDialog
      title="Add phase"
      submit="Add phase"
      isDisabled={!title.trim()}
      busy={edit.isPending}
      error={edit.error}
      onSubmit={add}
      onClose={onClose}
    >
      <Field label="Title">
        {(props) => (
          <input
            {...props}
            value={title}
            maxLength={300}
            required
            onChange={(event) => setTitle(event.target.value)}
          />
        )}
      </Field>
      <RadioCards<PhaseMode>
        label="Task order"
        value={mode}
        onValueChange={setMode}
        choices={MODES.map((value) => ({
          value,
          label: MODE_LABELS[value].label,
          hint: MODE_LABELS[value].hint,
        }))}
      />
    </FormDialog>
  );
}
