/** From the backlog to plans: where a plan is made of stories, and where its stories are seen. */

/** As many stories as a plan may name. */
export const MAX_STORIES_PER_PLAN = 20;

/** Where a plan of these stories is begun. */
export function newPlanPath(storyIds: readonly string[]): string {
  return `/plans?${new URLSearchParams({ new: "", stories: storyIds.join(",") }).toString()}`;
}

/** A story in its backlog, open. Ids are paths: they begin with the project's. */
export function storyPath(storyId: string): string {
  const [projectId = ""] = storyId.split("-");
  return `/projects/${projectId}?${new URLSearchParams({ section: "stories", show: storyId }).toString()}`;
}
