import type { ElementType, ReactNode } from "react";

/**
 * Takes the place of the package `react-remove-scroll`, which Radix keeps the page behind a dialog still with: that adds
 * a `<style>` element, and the security policy refuses those. `base.css` keeps the page still instead.
 */
export function RemoveScroll({ as: As = "div", children }: { as?: ElementType; children: ReactNode }) {
  return <As>{children}</As>;
}
