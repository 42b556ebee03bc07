import { isFreelyEditable, MODES, type Phase, type PhaseMode, type Plan } from "@/plans/model";
import { MODE_LABELS } from "@/plans/modeLabels";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { changePhase } from "@/services/plans";
import { Checkbox } from "@/ui/Checkbox";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";

import { ConditionFields } from "./ConditionFields";
import { EditPanel } from "./EditPanel";
import { useDraft } from "./useDraft";

type Props = { plan: Plan; phase: Phase; onClose: () => void };

export function PhaseForm({ plan, phase, onClose }: Props) {
  const edit = usePlanEdit(plan.id);
  const { title, description, mode, pauseAfter, condition } = phase;
  const current = { title, description, mode, pauseAfter, condition };
  const draft = useDraft(phase.id, current);
  const { shown, type } = draft;
  const save = () =>
    edit.mutate(
      { send: (version) => changePhase(phase.id, draft.changes, version), isQuiet: true },
      {
        onSuccess: () => {
          draft.clear();
          onClose();
        },
      },
    );
  return (
    <EditPanel
      title={phase.title}
      description={`Phase ${plan.phases.indexOf(phase) + 1} of ${plan.phases.length}`}
      frozen={isFreelyEditable(plan.status) ? null : "The plan has started. Its phases are read-only."}
      current={current}
      draft={draft}
      busy={edit.isPending}
      error={edit.error}
      onSave={save}
      onClose={onClose}
    >
      <Field label="Title">
        {(props) => (
          <input
            {...props}
            value={shown.title}
            maxLength={300}
            required
            onChange={(event) => type("title", event.target.value)}
          />
        )}
      </Field>
      <Field label="Description">
        {(props) => (
          <textarea
            {...props}
            value={shown.description}
            maxLength={5000}
            onChange={(event) => type("description", event.target.value)}
          />
        )}
      </Field>
      <RadioCards<PhaseMode>
        label="Task order"
        value={shown.mode}
        onValueChange={(value) => type("mode", value)}
        choices={MODES.map((value) => ({
          value,
          label: MODE_LABELS[value].label,
          hint: MODE_LABELS[value].hint,
        }))}
      />
      <Checkbox checked={shown.pauseAfter} onCheckedChange={(value) => type("pauseAfter", value)}>
        Pause the plan for review after this phase
      </Checkbox>
      <ConditionFields
        plan={plan}
        before={phase.id}
        value={shown.condition}
        onChange={(value) => type("condition", value)}
      />
    </EditPanel>
  );
}
