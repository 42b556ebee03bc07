import { Field } from "@/ui/Field";

type Props = {
  hint: string;
  value: number | null;
  error: string | null;
  onChange: (value: number | null) => void;
};

/** Upper limit for the cost of a plan or a task. */
export function CostLimitField({ hint, value, error, onChange }: Props) {
  return (
    <Field label="Cost limit (US$)" hint={`${hint} Leave empty for no limit.`} error={error}>
      {(props) => (
        <input
          {...props}
          type="number"
          min={0.01}
          step="any"
          value={value ?? ""}
          onChange={({ target }) =>
            onChange(Number.isNaN(target.valueAsNumber) ? null : target.valueAsNumber)
          }
        />
      )}
    </Field>
  );
}
