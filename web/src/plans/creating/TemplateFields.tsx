import type { TemplateInBrief } from "@/plans/model";
import { Field } from "@/ui/Field";
import { Select } from "@/ui/Select";

import type { Filled } from "./request";

type Props = { templates: TemplateInBrief[]; filled: Filled; set: (change: Partial<Filled>) => void };

const NONE = "none";

/** Which template, and what it asks for. Claude may go without one. */
export function TemplateFields({ templates, filled, set }: Props) {
  const template = templates.find(({ id }) => id === filled.templateId);
  const none = filled.way === "claude" ? [{ value: NONE, label: "None" }] : [];
  return (
    <>
      <Field
        label={filled.way === "claude" ? "Template (optional)" : "Template"}
        {...(template?.description ? { hint: template.description } : {})}
      >
        {({ id }) => (
          <Select
            id={id}
            label="Template"
            value={filled.templateId || NONE}
            onValueChange={(value) => set({ templateId: value === NONE ? "" : value })}
            options={[
              ...(filled.way === "template" && !template
                ? [{ value: NONE, label: "Select a template" }]
                : none),
              ...templates.map((one) => ({ value: one.id, label: one.name })),
            ]}
          />
        )}
      </Field>
      {template?.parameters.map(({ name, description, default: usual }) => (
        <Field key={name} label={name} {...(description ? { hint: description } : {})}>
          {(props) => (
            <input
              {...props}
              value={filled.parameters[name] ?? ""}
              placeholder={usual ?? ""}
              maxLength={300}
              onChange={(event) => set({ parameters: { ...filled.parameters, [name]: event.target.value } })}
            />
          )}
        </Field>
      ))}
    </>
  );
}
