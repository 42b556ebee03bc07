import type { ElementType, ReactNode } from "react";

/**
 * Replacement for `react-remove-scroll`, used by Radix to stop scrolling behind a dialog. That package adds a `<style>`
 * element, and the content security policy forbids those. `base.css` stops the scrolling instead.
 */
export function RemoveScroll({ as: As = "div", children }: { as?: ElementType; children: ReactNode }) {
  return <As>{children}</As>;
}
