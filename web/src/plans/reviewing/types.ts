import type { ReviewType } from "@/plans/model";

/** What Claude can be asked to look at. */
export const REVIEWS = [
  { value: "refine_descriptions", label: "Refine", hint: "Clearer descriptions and criteria." },
  { value: "add_missing", label: "Find gaps", hint: "Tasks that nobody thought of." },
  { value: "optimize_order", label: "Order", hint: "More at once, fewer waits." },
  { value: "break_down", label: "Break down", hint: "Large tasks into smaller ones." },
] as const satisfies readonly { value: ReviewType; label: string; hint: string }[];

export function reviewLabel(type: string | null | undefined): string {
  return REVIEWS.find(({ value }) => value === type)?.label ?? "Review";
}
