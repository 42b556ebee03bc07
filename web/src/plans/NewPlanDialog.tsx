import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate, useSearchParams } from "react-router";

import { createPlan, generatePlan, planKeys } from "@/services/plans";
import { storyQuery } from "@/services/stories";
import { templatesQuery } from "@/services/templates";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";
import { Select } from "@/ui/Select";

import { type PlanDraft, generateRequest, missingInput, newPlan, type PlanSource } from "./create/request";
import { StoryPicker } from "./create/StoryPicker";
import { TemplateFields } from "./create/TemplateFields";
import { FormDialog } from "./FormDialog";
import s from "./forms.module.css";
import type { Repository } from "./model";

const SOURCES = [
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

/** Create a plan from one of four sources. */
export function NewPlanDialog({
  repositories,
  repositoryId,
  templateId = "",
  storyIds = [],
  onClose,
}: Props) {
  const [typed, setTyped] = useState<Omit<PlanDraft, "title"> & { title: string | null }>({
    source: templateId ? "template" : "claude",
    repositoryId: repositoryId ?? repositories[0]?.id ?? "",
    title: null,
    description: "",
    storyIds,
    templateId,
    parameters: {},
  });
  const suggested = useTitleOf(storyIds);
  const draft: PlanDraft = { ...typed, title: typed.title ?? suggested };
  const templates = useQuery(templatesQuery()).data ?? [];
  const template = templates.find(({ id }) => id === draft.templateId);
  const making = useCreatePlan();
  const set = (change: Partial<PlanDraft>) => setTyped((now) => ({ ...now, ...change }));
  const needed = missingInput(draft, template?.parameters ?? []);
  return (
    <FormDialog
      title="New plan"
      size="l"
      submit={draft.source === "claude" ? "Generate plan" : "Create plan"}
      isDisabled={needed !== null}
      busy={making.isPending}
      error={making.error}
      onSubmit={() => making.mutate(draft)}
      onClose={onClose}
    >
      <Field label="Repository">
        {({ id }) => (
          <Select
            id={id}
            label="Repository"
            value={draft.repositoryId}
            onValueChange={(value) => set({ repositoryId: value })}
            options={repositories.map((one) => ({ value: one.id, label: one.name }))}
          />
        )}
      </Field>
      <RadioCards<PlanSource>
        label="Start from"
        value={draft.source}
        onValueChange={(way) => set({ source: way })}
        choices={SOURCES}
      />
      {(draft.source === "template" || draft.source === "claude") && (
        <TemplateFields templates={templates} draft={draft} set={set} />
      )}
      <Field
        label={draft.source === "claude" || draft.source === "hand" ? "Title" : "Title (optional)"}
        hint="Name the outcome in a few words."
      >
        {(props) => (
          <input
            {...props}
            value={draft.title}
            maxLength={300}
            onChange={(event) => set({ title: event.target.value })}
          />
        )}
      </Field>
      {draft.source !== "stories" && draft.source !== "template" && (
        <Field
          label="Description"
          {...(draft.source === "claude"
            ? { hint: "What users see, constraints, what is out of scope. Claude reads this." }
            : {})}
        >
          {(props) => (
            <textarea
              {...props}
              rows={5}
              maxLength={20000}
              value={draft.description}
              onChange={(event) => set({ description: event.target.value })}
            />
          )}
        </Field>
      )}
      {(draft.source === "stories" || draft.source === "claude") && (
        <StoryPicker value={draft.storyIds} onChange={(ids) => set({ storyIds: ids })} />
      )}
      {needed && <p className={s.needed}>{needed}</p>}
    </FormDialog>
  );
}

/** Default title for a plan of a single story. */
function useTitleOf(storyIds: readonly string[]): string {
  const [id = "", ...others] = storyIds;
  const isOne = id !== "" && others.length === 0;
  const story = useQuery({ ...storyQuery(id), enabled: isOne, retry: false }).data;
  return isOne ? (story?.title ?? "") : "";
}

/** Create the plan and open it; a generated plan shows its progress there. */
function useCreatePlan() {
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (draft: PlanDraft) =>
      draft.source === "claude"
        ? (await generatePlan(generateRequest(draft))).planId
        : (await createPlan(newPlan(draft))).id,
    // replace the URL of the dialog, so that Back leaves it
    onSuccess: (planId) => navigate(`/plans/${planId}`, { replace: search.has("new") }),
    onSettled: () => queries.invalidateQueries({ queryKey: planKeys.lists() }),
  });
}
