/** Form state of the new-plan dialog and its requests. */
import type { GenerateRequest, NewPlan } from "@/services/plans";

export type PlanSource = "claude" | "template" | "stories" | "hand";

export type PlanDraft = {
  source: PlanSource;
  repositoryId: string;
  title: string;
  description: string;
  storyIds: readonly string[];
  /** Empty for none. */
  templateId: string;
  parameters: Readonly<Record<string, string>>;
};

type Parameter = { name: string; description: string; default?: string | null };

/** Message for the first missing input, or null. */
export function missingInput(draft: PlanDraft, parameters: readonly Parameter[]): string | null {
  const { source, title, description, storyIds, templateId } = draft;
  if (!draft.repositoryId) return "Select a repository.";
  if ((source === "claude" || source === "hand") && !title.trim()) return "Enter a title.";
  if (source === "claude" && !description.trim() && storyIds.length === 0 && !templateId) {
    return "Add a description or select stories.";
  }
  if (source === "stories" && storyIds.length === 0) return "Select stories.";
  if (source === "template" && !templateId) return "Select a template.";
  const empty =
    usesTemplate(draft) && parameters.find((one) => !draft.parameters[one.name]?.trim() && !one.default);
  return empty ? `Enter a value for “${empty.name}”.` : null;
}

export function generateRequest(draft: PlanDraft): GenerateRequest {
  const { repositoryId, storyIds } = draft;
  return {
    repositoryId,
    title: draft.title.trim(),
    description: draft.description.trim(),
    storyIds: [...storyIds],
    ...templateFields(draft),
  };
}

export function newPlan(draft: PlanDraft): NewPlan {
  const [title, description] = [draft.title.trim(), draft.description.trim()];
  return {
    repositoryId: draft.repositoryId,
    ...(title ? { title } : {}),
    ...(description ? { description } : {}),
    ...(draft.source === "stories" ? { storyIds: [...draft.storyIds] } : {}),
    ...(draft.source === "hand" ? { phases: [] } : {}),
    ...templateFields(draft),
  };
}

function usesTemplate({ source, templateId }: PlanDraft): boolean {
  return templateId !== "" && (source === "template" || source === "claude");
}

function templateFields(draft: PlanDraft) {
  if (!usesTemplate(draft)) return {};
  const given = Object.entries(draft.parameters).filter(([, value]) => value.trim());
  return { templateId: draft.templateId, parameters: Object.fromEntries(given) };
}
