import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";

import { createPlan, generatePlan, plansKey } from "@/services/plans";
import { storyQuery } from "@/services/stories";
import { templatesQuery } from "@/services/templates";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";
import { Select } from "@/ui/Select";

import { type Filled, generateRequest, missing, newPlan, type Way } from "./creating/request";
import { StoryPicker } from "./creating/StoryPicker";
import { TemplateFields } from "./creating/TemplateFields";
import { FormDialog } from "./FormDialog";
import s from "./forms.module.css";
import type { Repository } from "./model";

const WAYS = [
  {
    value: "claude",
    label: "Claude",
    hint: "From a description or stories, using the repository.",
  },
  { value: "template", label: "Template", hint: "Start with proven phases." },
  { value: "stories", label: "Stories", hint: "One phase per story, one task per subtask." },
  { value: "hand", label: "Blank", hint: "Add phases and tasks yourself." },
] as const;

type Props = {
  repositories: Repository[];
  repositoryId: string | null;
  templateId?: string;
  storyIds?: readonly string[];
  onClose: () => void;
};

/** How a plan comes to be: four ways, one form. */
export function NewPlanDialog({
  repositories,
  repositoryId,
  templateId = "",
  storyIds = [],
  onClose,
}: Props) {
  const [typed, setTyped] = useState<Omit<Filled, "title"> & { title: string | null }>({
    way: templateId ? "template" : "claude",
    repositoryId: repositoryId ?? repositories[0]?.id ?? "",
    title: null,
    description: "",
    storyIds,
    templateId,
    parameters: {},
  });
  const suggested = useTitleOf(storyIds);
  const filled: Filled = { ...typed, title: typed.title ?? suggested };
  const templates = useQuery(templatesQuery()).data ?? [];
  const template = templates.find(({ id }) => id === filled.templateId);
  const making = useMaking();
  const set = (change: Partial<Filled>) => setTyped((now) => ({ ...now, ...change }));
  const needed = missing(filled, template?.parameters ?? []);
  return (
    <FormDialog
      title="New plan"
      size="l"
      submit={filled.way === "claude" ? "Generate plan" : "Create plan"}
      isDisabled={needed !== null}
      busy={making.isPending}
      error={making.error}
      onSubmit={() => making.mutate(filled)}
      onClose={onClose}
    >
      <Field label="Repository">
        {({ id }) => (
          <Select
            id={id}
            label="Repository"
            value={filled.repositoryId}
            onValueChange={(value) => set({ repositoryId: value })}
            options={repositories.map((one) => ({ value: one.id, label: one.name }))}
          />
        )}
      </Field>
      <RadioCards<Way>
        label="Start from"
        value={filled.way}
        onValueChange={(way) => set({ way })}
        choices={WAYS}
      />
      {(filled.way === "template" || filled.way === "claude") && (
        <TemplateFields templates={templates} filled={filled} set={set} />
      )}
      <Field
        label={filled.way === "claude" || filled.way === "hand" ? "Title" : "Title (optional)"}
        hint="Name the outcome in a few words."
      >
        {(props) => (
          <input
            {...props}
            value={filled.title}
            maxLength={300}
            onChange={(event) => set({ title: event.target.value })}
          />
        )}
      </Field>
      {filled.way !== "stories" && filled.way !== "template" && (
        <Field
          label="Description"
          {...(filled.way === "claude"
            ? { hint: "What users see, constraints, what is out of scope. Claude reads this." }
            : {})}
        >
          {(props) => (
            <textarea
              {...props}
              rows={5}
              maxLength={20000}
              value={filled.description}
              onChange={(event) => set({ description: event.target.value })}
            />
          )}
        </Field>
      )}
      {(filled.way === "stories" || filled.way === "claude") && (
        <StoryPicker value={filled.storyIds} onChange={(ids) => set({ storyIds: ids })} />
      )}
      {needed && <p className={s.needed}>{needed}</p>}
    </FormDialog>
  );
}

/** A plan of one story is called what that is called, until somebody types another title. */
function useTitleOf(storyIds: readonly string[]): string {
  const [id = "", ...others] = storyIds;
  const isOne = id !== "" && others.length === 0;
  const story = useQuery({ ...storyQuery(id), enabled: isOne, retry: false }).data;
  return isOne ? (story?.title ?? "") : "";
}

/** Makes it, and leads to it: one that Claude writes shows there how far it is. */
function useMaking() {
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (filled: Filled) =>
      filled.way === "claude"
        ? (await generatePlan(generateRequest(filled))).planId
        : (await createPlan(newPlan(filled))).id,
    // where the address asks for this dialog, the way back is to the page before
    onSuccess: (planId) => navigate(`/plans/${planId}`, { replace: search.has("new") }),
    onSettled: () => queries.invalidateQueries({ queryKey: plansKey() }),
  });
}
