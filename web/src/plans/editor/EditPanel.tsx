import { type ReactNode, useId } from "react";

import { explain } from "@/api/errors";
import type { Fields } from "@/plans/drafts";
import { isConflict } from "@/plans/usePlanEdit";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";

import { ConflictingFields } from "./ConflictingFields";
import s from "./EditPanel.module.css";
import type { DraftOf } from "./useDraft";

type Props<C extends Fields> = {
  title: string;
  description: ReactNode;
  /** Reason for read-only mode, or null. */
  frozen: string | null;
  current: C;
  draft: DraftOf<C>;
  busy: boolean;
  error: unknown;
  onSave: () => void;
  onClose: () => void;
  /** Additional actions. */
  aside?: ReactNode;
  children: ReactNode;
};

/** Panel of an edit form; keeps unsaved edits until they are saved or discarded. */
export function EditPanel<C extends Fields>({
  title,
  description,
  frozen,
  current,
  draft,
  ...rest
}: Props<C>) {
  const { busy, error, onSave, onClose, aside, children } = rest;
  const id = useId();
  const isContested = draft.conflicts.length > 0;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description={description}
      side
      footer={
        <>
          {aside && <span className={s.aside}>{aside}</span>}
          {draft.isChanged && <Button onClick={draft.clear}>Discard</Button>}
          {!frozen && (
            <Button
              type="submit"
              form={id}
              variant="primary"
              busy={busy}
              disabled={busy || !draft.isChanged || isContested}
            >
              Save
            </Button>
          )}
        </>
      }
    >
      {frozen && <p className={s.frozen}>{frozen}</p>}
      <ConflictingFields current={current} draft={draft} />
      <form
        id={id}
        onSubmit={(event) => {
          event.preventDefault();
          onSave();
        }}
      >
        <fieldset className={s.fields} disabled={frozen !== null || busy}>
          {children}
        </fieldset>
      </form>
      {error !== null && !isContested && (
        <p className={isConflict(error) ? s.frozen : s.error} role="alert">
          {isConflict(error)
            ? "Someone else changed the plan. It was reloaded, and your edits are kept. Review them and save again."
            : explain(error)}
        </p>
      )}
    </Dialog>
  );
}
