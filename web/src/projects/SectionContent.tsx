import { BacklogSection } from "@/backlog/BacklogSection";
import { CardsSection } from "@/cards/CardsSection";
import type { Project } from "@/services/projects";
import type { RunPreset } from "@/start-run/StartRunDialog";

import { ImportsSection } from "./ImportsSection";
import { RunsSection } from "./RunsSection";
import type { View } from "./SectionCards";

type Props = {
  project: Project;
  view: View;
  onImport: (file: File) => void;
  onRun: (preset: RunPreset) => void;
};

export function SectionContent({ project, view, onImport, onRun }: Props) {
  if (view === "runs") return <RunsSection projectId={project.id} />;
  if (view === "imports") return <ImportsSection projectId={project.id} />;
  if (view === "cards") return <CardsSection project={project} onImport={onImport} onRun={onRun} />;
  return <BacklogSection key={view} project={project} root={view} onRun={onRun} />;
}
