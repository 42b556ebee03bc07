import { getText } from "@/api/client";

export const EXPORT_FORMATS = [
  { value: "csv", label: "CSV", extension: "csv", type: "text/csv" },
  { value: "json", label: "JSON", extension: "json", type: "application/json" },
  { value: "markdown", label: "Markdown", extension: "md", type: "text/markdown" },
  { value: "jira", label: "Jira (CSV)", extension: "csv", type: "text/csv" },
] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** The backlog as a file. The request needs the token, so a plain link is not enough. */
export async function exportBacklog(projectId: string, format: ExportFormat): Promise<Blob> {
  const query = { format: format.value };
  const text = await getText(`/api/projects/${encodeURIComponent(projectId)}/export`, { query });
  return new Blob([text], { type: format.type });
}
