import { runTypeLabels } from "@/runs/labels";
import type { Counts } from "@/services/projects";
import type { RunRequest } from "@/services/runs";
import { number, plural } from "@/ui/format";

/** Text about existing results; `isDestructive` if the run replaces them. Null if there are none. */
export function existingResults(
  request: RunRequest,
  left: number,
  counts: Counts,
): { text: string; isDestructive: boolean } | null {
  const { section, source: from, results: makes } = runTypeLabels(request.type);
  const replaces = request.options.existingBehavior === "replace";
  if (request.type === "GENERATE_EPICS") return existingEpics(counts, replaces);
  if (request.epicId) return null;
  const total = request.itemIds?.length ?? counts[section];
  const done = total - left;
  if (done <= 0) return null;
  const what = request.type === "ANALYZE_CARDS" ? "an analysis" : makes[1];
  const have = `${number(done)} of ${plural(total, ...from)} already ${done === 1 ? "has" : "have"} ${what}`;
  if (!replaces) return { text: `${have} and ${done === 1 ? "is" : "are"} skipped.`, isDestructive: false };
  return { text: `${have}. The existing ${makes[1]} will be replaced.`, isDestructive: true };
}

function existingEpics(counts: Counts, replaces: boolean): { text: string; isDestructive: boolean } | null {
  if (counts.epics === 0) return null;
  const there = plural(counts.epics, "epic");
  if (!replaces)
    return {
      text: `The project already has ${there}. New epics are added.`,
      isDestructive: false,
    };
  const below = `${plural(counts.stories, "story", "stories")} and ${plural(counts.subtasks, "subtask")}`;
  return { text: `${there}, ${below} will be replaced.`, isDestructive: true };
}
