import type { Project } from "@/services/projects";
import type { Wish } from "@/starting/StartRunDialog";

import { RunsSection } from "./RunsSection";
import type { View } from "./SectionCards";

type Props = {
  project: Project;
  view: View;
  onImport: (file: File | null) => void;
  onRun: (wish: Wish) => void;
};

export function SectionContent({ project, view }: Props) {
  if (view === "runs") return <RunsSection projectId={project.id} />;
  return <p>{view}</p>;
}
