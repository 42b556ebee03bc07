/** Not written yet. */
export function Component() {
  return <h1>ExecutionPage</h1>;
}
