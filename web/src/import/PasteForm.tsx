import { useState } from "react";

import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";

import s from "./Import.module.css";
import { pastedFile, type PastedForm } from "./pasted";

const FORMS = [
  { value: "lines", label: "One card per line", hint: "Each line becomes the text of a card" },
  {
    value: "table",
    label: "Table or JSON",
    hint: "Copied from a spreadsheet with its header row, or CSV, JSON, NDJSON",
  },
] as const;

/** Form for pasted text; it is previewed like a file. */
export function PasteForm({ onFile }: { onFile: (file: File) => void }) {
  const [text, setText] = useState("");
  const [form, setForm] = useState<PastedForm>("lines");
  return (
    <>
      <Field label="Feedback">
        {(props) => (
          <textarea {...props} rows={10} value={text} onChange={(event) => setText(event.target.value)} />
        )}
      </Field>
      <RadioCards label="The text is" value={form} onValueChange={setForm} choices={FORMS} />
      <div className={s.formActions}>
        <Button
          variant="primary"
          disabled={text.trim() === ""}
          onClick={() => onFile(pastedFile(text, form))}
        >
          Preview cards
        </Button>
      </div>
    </>
  );
}
