/** What a person has filled in to have a plan made, and what of it the API is asked. */
import type { GenerateRequest, NewPlan } from "@/services/plans";

export type Way = "claude" | "template" | "stories" | "hand";

export type Filled = {
  way: Way;
  repositoryId: string;
  title: string;
  description: string;
  storyIds: readonly string[];
  /** Empty for none. */
  templateId: string;
  parameters: Readonly<Record<string, string>>;
};

export type Parameter = { name: string; description: string; default?: string | null };

/** What is still needed, in words; null when it can be asked. */
export function missing(filled: Filled, parameters: readonly Parameter[]): string | null {
  const { way, title, description, storyIds, templateId } = filled;
  if (!filled.repositoryId) return "Select a repository.";
  if ((way === "claude" || way === "hand") && !title.trim()) return "Enter a title.";
  if (way === "claude" && !description.trim() && storyIds.length === 0 && !templateId) {
    return "Add a description or select stories.";
  }
  if (way === "stories" && storyIds.length === 0) return "Select stories.";
  if (way === "template" && !templateId) return "Select a template.";
  const empty =
    usesTemplate(filled) && parameters.find((one) => !filled.parameters[one.name]?.trim() && !one.default);
  return empty ? `Enter a value for “${empty.name}”.` : null;
}

export function generateRequest(filled: Filled): GenerateRequest {
  const { repositoryId, storyIds } = filled;
  return {
    repositoryId,
    title: filled.title.trim(),
    description: filled.description.trim(),
    storyIds: [...storyIds],
    ...ofTemplate(filled),
  };
}

export function newPlan(filled: Filled): NewPlan {
  const [title, description] = [filled.title.trim(), filled.description.trim()];
  return {
    repositoryId: filled.repositoryId,
    ...(title ? { title } : {}),
    ...(description ? { description } : {}),
    ...(filled.way === "stories" ? { storyIds: [...filled.storyIds] } : {}),
    ...(filled.way === "hand" ? { phases: [] } : {}),
    ...ofTemplate(filled),
  };
}

function usesTemplate({ way, templateId }: Filled): boolean {
  return templateId !== "" && (way === "template" || way === "claude");
}

function ofTemplate(filled: Filled) {
  if (!usesTemplate(filled)) return {};
  const given = Object.entries(filled.parameters).filter(([, value]) => value.trim());
  return { templateId: filled.templateId, parameters: Object.fromEntries(given) };
}
