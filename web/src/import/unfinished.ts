/** Tell if an import of a project waits to be resumed; the project page needs no more of it. */

export const keyOf = (projectId: string) => `groundwork.import.${projectId}`;

export function hasUnfinishedImport(projectId: string): boolean {
  try {
    return localStorage.getItem(keyOf(projectId)) !== null;
  } catch {
    return false;
  }
}
