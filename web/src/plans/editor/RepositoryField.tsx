import { useQuery } from "@tanstack/react-query";

import { repositoriesQuery } from "@/services/repositories";
import { Field } from "@/ui/Field";
import { Select } from "@/ui/Select";

type Props = {
  /** Repository of the plan, the default for its tasks. */
  usual: string;
  value: string | null;
  onChange: (id: string | null) => void;
};

/** Cannot be an id of a repository. */
const USUAL = "-";

/** Repository of a task. Hidden if there is only one. */
export function RepositoryField({ usual, value, onChange }: Props) {
  const known = useQuery(repositoriesQuery()).data ?? [];
  const others = known.filter(({ id }) => id !== usual);
  const isGone = value !== null && !known.some(({ id }) => id === value);
  if (others.length === 0 && !isGone) return null;
  const name = known.find(({ id }) => id === usual)?.name;
  return (
    <Field label="Repository" hint="The task commits to the plan’s branch in this repository.">
      {({ id }) => (
        <Select
          id={id}
          label="Repository"
          value={value ?? USUAL}
          onValueChange={(chosen) => onChange(chosen === USUAL ? null : chosen)}
          options={[
            { value: USUAL, label: name ? `Plan repository: ${name}` : "Plan repository" },
            ...(value === usual && name ? [{ value: usual, label: name }] : []),
            ...others.map((one) => ({ value: one.id, label: one.name })),
            ...(isGone ? [{ value, label: "Unknown repository" }] : []),
          ]}
        />
      )}
    </Field>
  );
}
