import type { ReviewType } from "@/plans/model";

/** Review types. */
export const REVIEWS = [
  { value: "refine_descriptions", label: "Refine", hint: "Clearer descriptions and criteria." },
  { value: "add_missing", label: "Find gaps", hint: "Missing tasks." },
  { value: "optimize_order", label: "Optimize order", hint: "More parallel work, fewer waits." },
  { value: "break_down", label: "Break down", hint: "Split large tasks." },
] as const satisfies readonly { value: ReviewType; label: string; hint: string }[];

export function reviewLabel(type: string | null | undefined): string {
  return REVIEWS.find(({ value }) => value === type)?.label ?? "Review";
}
