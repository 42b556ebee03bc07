import { BookOpenText, type LucideIcon, MessageSquareText, Mountain, SquareCheckBig } from "lucide-react";

import type { Counts } from "@/services/projects";
import type { BacklogRunType } from "@/services/runs";

type SectionName = keyof Counts;
type Section = {
  name: SectionName;
  label: string;
  icon: LucideIcon;
  /** Run type for this section. */
  run: BacklogRunType;
  /** Section with the input of that run. */
  from: SectionName;
};

/** In order of the pipeline. */
export const SECTIONS: readonly Section[] = [
  { name: "cards", label: "Cards", icon: MessageSquareText, run: "ANALYZE_CARDS", from: "cards" },
  { name: "epics", label: "Epics", icon: Mountain, run: "GENERATE_EPICS", from: "cards" },
  { name: "stories", label: "Stories", icon: BookOpenText, run: "GENERATE_STORIES", from: "epics" },
  { name: "subtasks", label: "Subtasks", icon: SquareCheckBig, run: "GENERATE_SUBTASKS", from: "stories" },
];
