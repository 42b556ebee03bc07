import { Field } from "@/ui/Field";
import { Select } from "@/ui/Select";

type Props = {
  /** Setting of the plan, the default for its tasks. */
  usual: boolean;
  value: boolean | null;
  onChange: (value: boolean | null) => void;
};

/** Review of a task's change by a second session. */
export function ReviewField({ usual, value, onChange }: Props) {
  return (
    <Field label="Review of the change" hint="A second session reviews the change before it lands.">
      {({ id }) => (
        <Select
          id={id}
          label="Review of the change"
          value={String(value)}
          onValueChange={(chosen) => onChange(chosen === "null" ? null : chosen === "true")}
          options={[
            { value: "null", label: `Same as the plan (${usual ? "yes" : "no"})` },
            { value: "true", label: "Yes" },
            { value: "false", label: "No" },
          ]}
        />
      )}
    </Field>
  );
}
