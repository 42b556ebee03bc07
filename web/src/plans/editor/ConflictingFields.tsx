import type { Fields } from "@/plans/drafts";
import { Button } from "@/ui/Button";
import { humanize } from "@/ui/format";

import s from "./EditPanel.module.css";
import type { DraftOf } from "./useDraft";

/** Fields with conflicting changes, to keep or replace. */
export function ConflictingFields<C extends Fields>({ current, draft }: { current: C; draft: DraftOf<C> }) {
  if (draft.conflicts.length === 0) return null;
  return (
    <section className={s.contested} aria-label="Conflicting changes" role="alert">
      <h3>Someone else changed this too</h3>
      {draft.conflicts.map((field) => (
        <div key={field} className={s.field}>
          <h4>{fieldLabel(field)}</h4>
          <dl className={s.sides}>
            <dt>Theirs</dt>
            <dd>{formatValue(current[field])}</dd>
            <dt>Yours</dt>
            <dd>{formatValue(draft.shown[field])}</dd>
          </dl>
          <p className={s.choice}>
            <Button size="s" onClick={() => draft.drop(field)}>
              Use theirs
            </Button>
            <Button size="s" onClick={() => draft.keepMine(field)}>
              Keep yours
            </Button>
          </p>
        </div>
      ))}
    </section>
  );
}

/** `acceptanceCriteria` as "Acceptance criteria". */
function fieldLabel(field: string): string {
  return humanize(field.replace(/[A-Z]/g, (letter) => `_${letter}`));
}

function formatValue(value: unknown): string {
  if (value === null || value === undefined || value === "") return "empty";
  if (Array.isArray(value)) return value.length > 0 ? value.map(formatValue).join("\n") : "empty";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") {
    const parts = Object.entries(value).filter(([, one]) => one !== null);
    return parts.map(([name, one]) => `${fieldLabel(name)}: ${formatValue(one)}`).join(", ");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
