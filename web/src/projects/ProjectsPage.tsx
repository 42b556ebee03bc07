/** Not written yet. */
export function Component() {
  return <h1>ProjectsPage</h1>;
}
