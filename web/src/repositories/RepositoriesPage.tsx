/** Not written yet. */
export function Component() {
  return <h1>RepositoriesPage</h1>;
}
