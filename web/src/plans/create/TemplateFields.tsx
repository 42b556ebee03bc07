import type { TemplateInBrief } from "@/plans/model";
import { Field } from "@/ui/Field";
import { Select } from "@/ui/Select";

import type { PlanDraft } from "./request";

type Props = { templates: TemplateInBrief[]; draft: PlanDraft; set: (change: Partial<PlanDraft>) => void };

const NONE = "none";

/** Template and its parameters. Optional if Claude generates the plan. */
export function TemplateFields({ templates, draft, set }: Props) {
  const template = templates.find(({ id }) => id === draft.templateId);
  const none = draft.source === "claude" ? [{ value: NONE, label: "None" }] : [];
  return (
    <>
      <Field
        label={draft.source === "claude" ? "Template (optional)" : "Template"}
        {...(template?.description ? { hint: template.description } : {})}
      >
        {({ id }) => (
          <Select
            id={id}
            label="Template"
            value={draft.templateId || NONE}
            onValueChange={(value) => set({ templateId: value === NONE ? "" : value })}
            options={[
              ...(draft.source === "template" && !template
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
              value={draft.parameters[name] ?? ""}
              placeholder={usual ?? ""}
              maxLength={300}
              onChange={(event) => set({ parameters: { ...draft.parameters, [name]: event.target.value } })}
            />
          )}
        </Field>
      ))}
    </>
  );
}
