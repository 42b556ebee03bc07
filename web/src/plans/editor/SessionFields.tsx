import { MODEL_EFFORTS, type ModelEffort } from "@/plans/model";
import { Field } from "@/ui/Field";
import { humanize } from "@/ui/format";
import { Select } from "@/ui/Select";

import s from "./EditPanel.module.css";

type SessionSettings = { maxCostUsd: number | null; model: string | null; modelEffort: ModelEffort | null };
type Props = {
  of: "plan" | "task";
  value: SessionSettings;
  onChange: <K extends keyof SessionSettings>(field: K, value: SessionSettings[K]) => void;
  errorOf: (field: keyof SessionSettings) => string | null;
};

/** Cannot be an effort. */
const USUAL = "-";

const HINTS = {
  plan: { limit: "The plan pauses at the limit.", usual: "Default" },
  task: { limit: "For this task alone.", usual: "As the plan" },
};

/** Cost limit, model and its effort, of a plan or a task. */
export function SessionFields({ of, value, onChange, errorOf }: Props) {
  const { limit, usual } = HINTS[of];
  return (
    <>
      <Field
        label="Cost limit (US$)"
        hint={`${limit} Leave empty for no limit.`}
        error={errorOf("maxCostUsd")}
      >
        {(props) => (
          <input
            {...props}
            type="number"
            min={0.01}
            step="any"
            value={value.maxCostUsd ?? ""}
            onChange={({ target }) =>
              onChange("maxCostUsd", Number.isNaN(target.valueAsNumber) ? null : target.valueAsNumber)
            }
          />
        )}
      </Field>
      <div className={s.pair}>
        <Field label="Model" hint={`Id of a model. Empty: ${usual.toLowerCase()}.`} error={errorOf("model")}>
          {(props) => (
            <input
              {...props}
              value={value.model ?? ""}
              maxLength={200}
              spellCheck={false}
              onChange={(event) => onChange("model", event.target.value || null)}
            />
          )}
        </Field>
        <Field label="Effort of the model" error={errorOf("modelEffort")}>
          {({ id }) => (
            <Select
              id={id}
              label="Effort of the model"
              value={value.modelEffort ?? USUAL}
              onValueChange={(chosen) =>
                onChange("modelEffort", chosen === USUAL ? null : (chosen as ModelEffort))
              }
              options={[
                { value: USUAL, label: usual },
                ...MODEL_EFFORTS.map((effort) => ({ value: effort, label: humanize(effort) })),
              ]}
            />
          )}
        </Field>
      </div>
    </>
  );
}
