import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronDown, Download, Ellipsis, FileUp, Pencil, Sparkles, Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";

import { explain } from "@/api/errors";
import { runTypeLabels } from "@/runs/labels";
import { EXPORT_FORMATS, exportBacklog, type ExportFormat } from "@/services/exports";
import { deleteProject, type Project, projectKeys } from "@/services/projects";
import type { BacklogRunType } from "@/services/runs";
import { Button, IconButton } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { plural } from "@/ui/format";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";
import { PageHeader } from "@/ui/PageHeader";
import { saveFile } from "@/ui/saveFile";
import { toast } from "@/ui/toast";

import { ProjectDialog } from "./ProjectDialog";
import { SECTIONS } from "./sections";

type Props = { project: Project; onImport: () => void; onRun: (type: BacklogRunType) => void };

export function ProjectHeader({ project, onImport, onRun }: Props) {
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const actions = (
    <>
      <Button icon={FileUp} onClick={onImport}>
        Import
      </Button>
      <ExportMenu project={project} />
      <Menu
        trigger={
          <Button variant="primary" icon={Sparkles}>
            Run
            <ChevronDown size={15} aria-hidden />
          </Button>
        }
      >
        {SECTIONS.map(({ run, icon, from }) => (
          <MenuItem key={run} icon={icon} disabled={project.counts[from] === 0} onSelect={() => onRun(run)}>
            {runTypeLabels(run).title}
          </MenuItem>
        ))}
      </Menu>
      <Menu trigger={<IconButton label="Project actions" icon={Ellipsis} />}>
        <MenuItem icon={Pencil} onSelect={() => setEditing(true)}>
          Edit project
        </MenuItem>
        <MenuSeparator />
        <MenuItem icon={Trash2} danger onSelect={() => setDeleting(true)}>
          Delete project
        </MenuItem>
      </Menu>
    </>
  );
  return (
    <>
      <PageHeader
        crumbs={[{ to: "/", label: "Projects" }]}
        title={project.name}
        lead={project.description}
        actions={actions}
      />
      <ProjectDialog open={editing} onOpenChange={setEditing} project={project} />
      <DeleteProject project={project} open={deleting} onOpenChange={setDeleting} />
    </>
  );
}

function ExportMenu({ project }: { project: Project }) {
  const save = useMutation({
    mutationFn: async (format: ExportFormat) =>
      saveFile(await exportBacklog(project.id, format), `${fileName(project.name)}.${format.extension}`),
    onError: (error) => toast.error("Could not export the backlog", explain(error)),
  });
  return (
    <Menu
      trigger={
        <Button icon={Download} busy={save.isPending}>
          Export
        </Button>
      }
    >
      {EXPORT_FORMATS.map((format) => (
        <MenuItem key={format.value} onSelect={() => save.mutate(format)}>
          {format.label}
        </MenuItem>
      ))}
    </Menu>
  );
}

function DeleteProject({
  project,
  open,
  onOpenChange,
}: {
  project: Project;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteProject(project.id),
    onSuccess: async () => {
      await navigate("/");
      queries.removeQueries({ queryKey: projectKeys.one(project.id) });
      await queries.invalidateQueries({ queryKey: projectKeys.list() });
      toast.ok(`“${project.name}” deleted`);
    },
    onError: (error) => toast.error("Could not delete the project", explain(error)),
  });
  const { cards, epics, stories, subtasks } = project.counts;
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete “${project.name}”?`}
      confirm="Delete project"
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      This also deletes {plural(cards, "card")}, {plural(epics, "epic")},{" "}
      {plural(stories, "story", "stories")}, {plural(subtasks, "subtask")} and all runs. This cannot be
      undone.
    </ConfirmDialog>
  );
}

const fileName = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "") || "backlog";
