import { MODEL_EFFORTS, type ModelEffort } from "@/plans/model";
import { Field } from "@/ui/Field";
import { humanize } from "@/ui/format";
import { Select } from "@/ui/Select";

import s from "./EditPanel.module.css";

type SessionSettings = { model: string | null; modelEffort: ModelEffort | null };
type Props = {
  of: "plan" | "task";
  value: SessionSettings;
  onModel: (model: string | null) => void;
  onEffort: (effort: ModelEffort | null) => void;
  errorOf: (field: keyof SessionSettings) => string | null;
};

/** Cannot be an effort. */
const USUAL = "-";

const USUAL_LABELS = { plan: "Default", task: "Same as the plan" };

/** Model of the sessions and its effort, of a plan or a task. */
export function SessionFields({ of, value, onModel, onEffort, errorOf }: Props) {
  const usual = USUAL_LABELS[of];
  return (
    <div className={s.pair}>
      <Field label="Model" hint={`Model ID. Empty: ${usual.toLowerCase()}.`} error={errorOf("model")}>
        {(props) => (
          <input
            {...props}
            value={value.model ?? ""}
            maxLength={200}
            spellCheck={false}
            onChange={(event) => onModel(event.target.value || null)}
          />
        )}
      </Field>
      <Field label="Model effort" error={errorOf("modelEffort")}>
        {({ id }) => (
          <Select
            id={id}
            label="Model effort"
            value={value.modelEffort ?? USUAL}
            onValueChange={(chosen) => onEffort(chosen === USUAL ? null : (chosen as ModelEffort))}
            options={[
              { value: USUAL, label: usual },
              ...MODEL_EFFORTS.map((effort) => ({ value: effort, label: humanize(effort) })),
            ]}
          />
        )}
      </Field>
    </div>
  );
}
