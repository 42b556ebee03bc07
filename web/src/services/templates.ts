import { queryOptions } from "@tanstack/react-query";

import { getJson, postJson, remove } from "@/api/client";
import { fetchAllPages, type Page } from "@/api/pages";
import type { components } from "@/api/schema";

export type Template = components["schemas"]["Template"];
export type TemplateInBrief = components["schemas"]["TemplateSummary"];
export type NewTemplate = components["schemas"]["NewTemplate"];

export const templateKeys = {
  all: ["templates"] as const,
  one: (id: string) => [...templateKeys.all, id] as const,
};

/** All templates, in the order of the API. */
export function templatesQuery() {
  return queryOptions({
    queryKey: templateKeys.all,
    queryFn: ({ signal }) =>
      fetchAllPages((nextToken) =>
        getJson<Page<TemplateInBrief>>("/api/plan-templates", { query: { limit: 200, nextToken }, signal }),
      ),
  });
}

/** One template with its phases and tasks. */
export function templateQuery(id: string) {
  return queryOptions({
    queryKey: templateKeys.one(id),
    queryFn: ({ signal }) => getJson<Template>(`/api/plan-templates/${id}`, { signal }),
    staleTime: Infinity,
  });
}

export function saveTemplate(body: NewTemplate): Promise<Template> {
  return postJson("/api/plan-templates", body);
}

export function deleteTemplate(id: string): Promise<void> {
  return remove(`/api/plan-templates/${id}`);
}
