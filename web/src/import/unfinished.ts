/** Detect unfinished imports of a project, without loading the import code on the project page. */

export const keyOf = (projectId: string) => `groundwork.import.${projectId}`;

export function hasUnfinishedImport(projectId: string): boolean {
  try {
    return localStorage.getItem(keyOf(projectId)) !== null;
  } catch {
    return false;
  }
}
