/** Not written yet. */
export function Component() {
  return <h1>TemplatesPage</h1>;
}
