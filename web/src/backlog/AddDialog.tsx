import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useId, useState } from "react";

import { explain } from "@/api/errors";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";

import { create, refreshBacklog } from "./mutations";
import type { BacklogNode } from "./tree";

/** `parentId` is the project of an epic, the epic of a story, the story of a subtask. */
export type NewItemParent = { kind: BacklogNode["kind"]; parentId: string };

export function AddDialog({ adding, onClose }: { adding: NewItemParent | null; onClose: () => void }) {
  return adding && <OpenDialog adding={adding} onClose={onClose} />;
}

function OpenDialog({ adding, onClose }: { adding: NewItemParent; onClose: () => void }) {
  const form = useId();
  const queries = useQueryClient();
  const [title, setTitle] = useState("");
  const add = useMutation({
    mutationFn: () => create(adding.kind, adding.parentId, title.trim()),
    onSuccess: () => {
      onClose();
      return refreshBacklog(queries);
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (title.trim()) add.mutate();
  };
  const footer = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button variant="primary" type="submit" form={form} disabled={!title.trim()} busy={add.isPending}>
        Add {adding.kind}
      </Button>
    </>
  );
  return (
    <Dialog open onOpenChange={onClose} title={`Add ${adding.kind}`} footer={footer}>
      <form id={form} onSubmit={submit}>
        <Field label="Title" error={add.error && explain(add.error)} hint="You can add details later.">
          {(props) => (
            <input
              {...props}
              value={title}
              maxLength={300}
              onChange={(event) => setTitle(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
