import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useState } from "react";

import { saveTemplate, templateKeys } from "@/services/templates";
import { Button, IconButton } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { toast } from "@/ui/toast";

import { FormDialog } from "./FormDialog";
import s from "./forms.module.css";
import type { Plan } from "./model";
import p from "./SaveTemplateDialog.module.css";

type Placeholder = { name: string; text: string };
const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;

/** Save phases and tasks as a template; selected texts become placeholders. */
export function SaveTemplateDialog({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState(plan.title);
  const [description, setDescription] = useState("");
  const [places, setPlaces] = useState<Placeholder[]>([]);
  const saving = useMutation({
    mutationFn: () => {
      const filled = places.filter((place) => place.name && place.text);
      return saveTemplate({
        name: name.trim(),
        description: description.trim(),
        planId: plan.id,
        parameters: filled.map((place) => ({
          name: place.name,
          description: `Replaces: ${place.text}`.slice(0, 300),
        })),
        replace: Object.fromEntries(filled.map((place) => [place.name, place.text])),
      });
    },
    onSuccess: () => {
      toast.ok("Template saved", "Select it when you create a plan.");
      onClose();
    },
    onSettled: () => queries.invalidateQueries({ queryKey: templateKeys.all }),
  });
  const isWrong = places.some((place) => place.name !== "" && !NAME.test(place.name));
  return (
    <FormDialog
      title="Save as template"
      description="Reuse these phases and tasks in other plans. Story links are not saved."
      size="l"
      submit="Save template"
      isDisabled={!name.trim() || isWrong}
      busy={saving.isPending}
      error={saving.error}
      onSubmit={() => saving.mutate()}
      onClose={onClose}
    >
      <Field label="Name">
        {(props) => (
          <input
            {...props}
            value={name}
            maxLength={200}
            required
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Field label="Description" hint="Optional.">
        {(props) => (
          <textarea {...props} value={description} onChange={(event) => setDescription(event.target.value)} />
        )}
      </Field>
      <fieldset className={p.places}>
        <legend>Parameters</legend>
        <p className={p.hint}>Text that changes each time, and its placeholder name.</p>
        <PlaceholderList places={places} onChange={setPlaces} />
        {isWrong && (
          <p className={s.error}>A name starts with a lowercase letter and has only letters and digits.</p>
        )}
      </fieldset>
    </FormDialog>
  );
}

function PlaceholderList({
  places,
  onChange,
}: {
  places: Placeholder[];
  onChange: (places: Placeholder[]) => void;
}) {
  const set = (index: number, change: Partial<Placeholder>) =>
    onChange(places.map((place, at) => (at === index ? { ...place, ...change } : place)));
  return (
    <>
      {places.map((place, index) => (
        <div key={index} className={p.place}>
          <Field label="Text in the plan">
            {(props) => (
              <input
                {...props}
                value={place.text}
                onChange={(event) => set(index, { text: event.target.value })}
              />
            )}
          </Field>
          <Field label="Placeholder name">
            {(props) => (
              <input
                {...props}
                value={place.name}
                placeholder="format"
                onChange={(event) => set(index, { name: event.target.value.trim() })}
              />
            )}
          </Field>
          <IconButton
            label="Remove parameter"
            icon={X}
            onClick={() => onChange(places.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <Button size="s" icon={Plus} onClick={() => onChange([...places, { name: "", text: "" }])}>
        Add parameter
      </Button>
    </>
  );
}
