import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type SyntheticEvent, useId, useState } from "react";
import { useNavigate } from "react-router";

import { ApiError, explain } from "@/api/errors";
import {
  changeProject,
  createProject,
  type NewProject,
  type Project,
  projectKeys,
} from "@/services/projects";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";

type Props = { open: boolean; onOpenChange: (open: boolean) => void; project?: Project };

/** Create a project, or edit an existing one. */
export function ProjectDialog({ open, onOpenChange, project }: Props) {
  return open && <OpenDialog onClose={() => onOpenChange(false)} project={project} />;
}

function OpenDialog({ onClose, project }: { onClose: () => void; project: Project | undefined }) {
  const form = useId();
  const [name, setName] = useState(project?.name ?? "");
  const [description, setDescription] = useState(project?.description ?? "");
  const [empty, setEmpty] = useState(false);
  const save = useSave(project, onClose);
  const fields = save.error instanceof ApiError ? save.error.fields : [];
  const wrong = (field: string) => fields.find((one) => one.field === field)?.message ?? null;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setEmpty(!name.trim());
    if (name.trim()) save.mutate({ name: name.trim(), description: description.trim() });
  };
  const footer = (
    <>
      <Button onClick={onClose}>Cancel</Button>
      <Button variant="primary" type="submit" form={form} busy={save.isPending}>
        {project ? "Save" : "Create project"}
      </Button>
    </>
  );
  return (
    <Dialog open onOpenChange={onClose} title={project ? "Edit project" : "New project"} footer={footer}>
      <form id={form} onSubmit={submit} noValidate style={{ display: "grid", gap: "var(--s4)" }}>
        {save.error && fields.length === 0 && <Notice tone="error">{explain(save.error)}</Notice>}
        <Field label="Name" error={empty ? "Enter a name." : wrong("name")}>
          {(props) => (
            <input
              {...props}
              value={name}
              maxLength={200}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Description"
          error={wrong("description")}
          hint="Optional. The product, and where the feedback comes from."
        >
          {(props) => (
            <textarea
              {...props}
              value={description}
              maxLength={5000}
              onChange={(event) => setDescription(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

function useSave(project: Project | undefined, onClose: () => void) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (value: NewProject) => (project ? changeProject(project.id, value) : createProject(value)),
    onSuccess: async (saved) => {
      queries.setQueryData(projectKeys.one(saved.id), saved);
      void queries.invalidateQueries({ queryKey: projectKeys.list() });
      onClose();
      if (!project) await navigate(`/projects/${saved.id}`);
    },
  });
}
