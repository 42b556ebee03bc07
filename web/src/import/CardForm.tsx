import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useState } from "react";

import { explain } from "@/api/errors";
import { addCard, cardKeys } from "@/services/cards";
import { projectKeys } from "@/services/projects";
import { Field } from "@/ui/Field";
import { toast } from "@/ui/toast";

const MAX_TEXT = 10_000;
const MAX_SOURCE = 200;

/** State of the form for one card. */
export function useCardForm(projectId: string, onAdded: () => void) {
  const queries = useQueryClient();
  const [text, setText] = useState("");
  const [source, setSource] = useState("");
  const add = useMutation({
    mutationFn: async () => {
      const card = { text: text.trim(), ...(source.trim() ? { source: source.trim() } : {}) };
      const { rejected } = await addCard(projectId, card);
      if (rejected[0]) throw new Error(rejected[0].reason);
    },
    onSuccess: () => {
      toast.ok("Card added");
      onAdded();
      return Promise.all([
        queries.invalidateQueries({ queryKey: projectKeys.all }),
        queries.invalidateQueries({ queryKey: cardKeys.list(projectId) }),
      ]);
    },
  });
  return { text, setText, source, setSource, add, isReady: text.trim() !== "" };
}

export function CardForm({ id, form }: { id: string; form: ReturnType<typeof useCardForm> }) {
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (form.isReady) form.add.mutate();
  };
  return (
    <form id={id} onSubmit={submit}>
      <Field label="Feedback" error={form.add.error && explain(form.add.error)}>
        {(props) => (
          <textarea
            {...props}
            rows={6}
            maxLength={MAX_TEXT}
            value={form.text}
            onChange={(event) => form.setText(event.target.value)}
          />
        )}
      </Field>
      <Field label="Source" hint="Optional, such as “Interview” or “Support call”">
        {(props) => (
          <input
            {...props}
            maxLength={MAX_SOURCE}
            value={form.source}
            onChange={(event) => form.setSource(event.target.value)}
          />
        )}
      </Field>
    </form>
  );
}
