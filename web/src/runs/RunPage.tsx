/** Not written yet. */
export function Component() {
  return <h1>RunPage</h1>;
}
