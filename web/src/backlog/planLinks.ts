/** Links between the backlog and plans. */

/** API limit of stories per plan. */
export const MAX_STORIES_PER_PLAN = 20;

/** Path of the new-plan dialog for these stories. */
export function newPlanPath(storyIds: readonly string[]): string {
  return `/plans?${new URLSearchParams({ new: "", stories: storyIds.join(",") }).toString()}`;
}

/** Path of a story in its backlog. A story id starts with its project id. */
export function storyPath(storyId: string): string {
  const [projectId = ""] = storyId.split("-");
  return `/projects/${projectId}?${new URLSearchParams({ section: "stories", show: storyId }).toString()}`;
}
