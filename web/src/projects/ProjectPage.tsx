/** Not written yet. */
export function Component() {
  return <h1>ProjectPage</h1>;
}
