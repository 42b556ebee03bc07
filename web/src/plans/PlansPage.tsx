/** Not written yet. */
export function Component() {
  return <h1>PlansPage</h1>;
}
