/** Not written yet. */
export function Component() {
  return <h1>PlanPage</h1>;
}
