import { Pencil } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";

import { Button } from "./Button";
import s from "./EditableText.module.css";

type Props = {
  label: string;
  value: string;
  /** Rejects if saving failed; the field then stays open. */
  onSave: (value: string) => Promise<unknown>;
  multiline?: boolean;
  required?: boolean;
  maxLength?: number;
  placeholder?: string;
  className?: string | undefined;
};

/** Inline editing. Enter saves (Ctrl+Enter if multiline), Escape cancels. */
export function EditableText(props: Props) {
  const [editing, setEditing] = useState(false);
  const shown = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    // restore the keyboard focus
    if (wasEditing.current && !editing) shown.current?.focus();
    wasEditing.current = editing;
  }, [editing]);
  if (editing) return <Editor {...props} onClose={() => setEditing(false)} />;
  const { label, value, placeholder = "Empty", className = "" } = props;
  return (
    <button
      ref={shown}
      type="button"
      className={`${s.shown} ${className}`}
      aria-label={`Edit ${label}: ${value || "empty"}`}
      onClick={() => setEditing(true)}
    >
      <span className={value ? s.text : s.empty}>{value || placeholder}</span>
      <Pencil size={14} aria-hidden className={s.pencil} />
    </button>
  );
}

function Editor({
  label,
  value,
  onSave,
  multiline = false,
  required = false,
  maxLength,
  onClose,
}: EditorProps) {
  const [text, setText] = useState(value);
  const [saving, setSaving] = useState(false);
  const field = useRef<HTMLTextAreaElement & HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const refused = required && !text.trim();
  const save = () => {
    if (refused || saving) return;
    if (text.trim() === value) {
      onClose();
      return;
    }
    setSaving(true);
    onSave(text.trim()).then(onClose, () => setSaving(false));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") onClose();
    if (event.key === "Enter" && (!multiline || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    }
  };
  const attributes = {
    ref: field,
    className: s.field,
    "aria-label": label,
    value: text,
    maxLength,
    onKeyDown,
    onChange: (event: { target: { value: string } }) => setText(event.target.value),
  };
  return (
    <div className={s.editor} data-editing>
      {multiline ? (
        <textarea {...attributes} rows={Math.min(12, text.split("\n").length + 2)} />
      ) : (
        <input {...attributes} />
      )}
      <div className={s.actions}>
        <Button size="s" variant="primary" busy={saving} disabled={refused} onClick={save}>
          Save
        </Button>
        <Button size="s" variant="ghost" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </div>
  );
}

type EditorProps = Omit<Props, "placeholder" | "className"> & { onClose: () => void };
