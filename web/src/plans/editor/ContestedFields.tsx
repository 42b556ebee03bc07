import type { Fields } from "@/plans/drafts";
import { Button } from "@/ui/Button";
import { words } from "@/ui/format";

import s from "./EditPanel.module.css";
import type { DraftOf } from "./useDraft";

/** Fields that somebody else has changed while they were being typed into: both sides, and the choice. */
export function ContestedFields<C extends Fields>({ current, draft }: { current: C; draft: DraftOf<C> }) {
  if (draft.contested.length === 0) return null;
  return (
    <section className={s.contested} aria-label="Conflicting changes" role="alert">
      <h3>Someone else changed this too</h3>
      {draft.contested.map((field) => (
        <div key={field} className={s.field}>
          <h4>{nameOf(field)}</h4>
          <dl className={s.sides}>
            <dt>Theirs</dt>
            <dd>{inWords(current[field])}</dd>
            <dt>Yours</dt>
            <dd>{inWords(draft.shown[field])}</dd>
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
export function nameOf(field: string): string {
  return words(field.replace(/[A-Z]/g, (letter) => `_${letter}`));
}

export function inWords(value: unknown): string {
  if (value === null || value === undefined || value === "") return "empty";
  if (Array.isArray(value)) return value.length > 0 ? value.map(inWords).join("\n") : "empty";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "object") {
    const parts = Object.entries(value).filter(([, one]) => one !== null);
    return parts.map(([name, one]) => `${nameOf(name)}: ${inWords(one)}`).join(", ");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
