import { Plus, X } from "lucide-react";

import { Button, IconButton } from "@/ui/Button";

import f from "@/ui/Field.module.css";

import s from "./EditPanel.module.css";

/** Acceptance criteria, one input each. */
export function CriteriaFields({
  value,
  onChange,
}: {
  value: string[];
  onChange: (value: string[]) => void;
}) {
  return (
    <fieldset className={s.group}>
      <legend>Acceptance criteria</legend>
      {value.map((text, index) => (
        <div key={index} className={s.line}>
          <textarea
            className={`${f.input} ${s.criterion}`}
            rows={1}
            value={text}
            maxLength={1000}
            aria-label={`Criterion ${index + 1}`}
            onChange={(event) => onChange(value.map((one, at) => (at === index ? event.target.value : one)))}
          />
          <IconButton
            label={`Remove criterion ${index + 1}`}
            icon={X}
            onClick={() => onChange(value.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      {value.length < 20 && (
        <div>
          <Button size="s" icon={Plus} onClick={() => onChange([...value, ""])}>
            Add criterion
          </Button>
        </div>
      )}
    </fieldset>
  );
}
