import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, ShapesIcon, Trash2 } from "lucide-react";
import { useState } from "react";

import { explain } from "@/api/errors";
import { repositoriesQuery } from "@/services/repositories";
import { deleteTemplate, templateKeys, templatesQuery } from "@/services/templates";
import { Button, IconButton } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { plural } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { Skeleton } from "@/ui/Skeleton";
import { StatusBadge } from "@/ui/StatusBadge";
import { toast } from "@/ui/toast";
import { usePageTitle } from "@/ui/usePageTitle";

import type { TemplateInBrief } from "./model";
import { NewPlanDialog } from "./NewPlanDialog";
import { TemplateDialog } from "./TemplateDialog";
import s from "./Templates.module.css";

type Open = { kind: "look" | "use" | "delete"; template: TemplateInBrief };

/** Built-in and saved plan templates. */
export function Component() {
  usePageTitle("Templates");
  const [open, setOpen] = useState<Open | null>(null);
  const templates = useQuery(templatesQuery());
  const repositories = useQuery(repositoriesQuery()).data ?? [];
  const close = () => setOpen(null);
  return (
    <>
      <PageHeader
        title="Templates"
        lead="Reusable phases and tasks with placeholders. You can save any plan as a template."
      />
      {templates.isPending && <Skeleton lines={5} height={72} />}
      {templates.isError && !templates.data && (
        <ErrorState error={templates.error} onRetry={() => void templates.refetch()} />
      )}
      {templates.data?.length === 0 && <EmptyState icon={ShapesIcon} title="No templates yet" />}
      {templates.data && (
        <ul className={s.templates}>
          {templates.data.map((template) => (
            <TemplateCard
              key={template.id}
              template={template}
              canUse={repositories.length > 0}
              onOpen={(kind) => setOpen({ kind, template })}
            />
          ))}
        </ul>
      )}
      {open?.kind === "look" && <TemplateDialog id={open.template.id} onClose={close} />}
      {open?.kind === "use" && (
        <NewPlanDialog
          repositories={repositories}
          repositoryId={null}
          templateId={open.template.id}
          onClose={close}
        />
      )}
      {open?.kind === "delete" && <DeleteTemplate template={open.template} onClose={close} />}
    </>
  );
}

type CardProps = { template: TemplateInBrief; canUse: boolean; onOpen: (kind: Open["kind"]) => void };

function TemplateCard({ template, canUse, onOpen }: CardProps) {
  return (
    <li className={s.template}>
      <div className={s.head}>
        <h2 className={s.name}>{template.name}</h2>
        {template.builtin ? (
          <StatusBadge tone="grey">Built-in</StatusBadge>
        ) : (
          <IconButton
            label={`Delete ${template.name}…`}
            icon={Trash2}
            size="s"
            onClick={() => onOpen("delete")}
          />
        )}
      </div>
      {template.description && <p className={s.text}>{template.description}</p>}
      <p className={s.facts}>
        {plural(template.phaseCount, "phase")}, {plural(template.taskCount, "task")}
        {template.parameters.length > 0 && (
          <>
            {" "}
            · Inputs: <span className="mono">{template.parameters.map(({ name }) => name).join(", ")}</span>
          </>
        )}
      </p>
      <div className={s.actions}>
        <Button size="s" onClick={() => onOpen("look")}>
          Preview
        </Button>
        {canUse && (
          <Button size="s" variant="primary" icon={Plus} onClick={() => onOpen("use")}>
            Use template
          </Button>
        )}
      </div>
    </li>
  );
}

function DeleteTemplate({ template, onClose }: { template: TemplateInBrief; onClose: () => void }) {
  const queries = useQueryClient();
  const deletion = useMutation({
    mutationFn: () => deleteTemplate(template.id),
    onSuccess: () => {
      toast.ok("Template deleted");
      onClose();
    },
    onError: (error) => toast.error("Could not delete the template", explain(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: templateKeys.all }),
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete “${template.name}”?`}
      confirm="Delete template"
      busy={deletion.isPending}
      onConfirm={() => deletion.mutate()}
    >
      Plans created from it do not change.
    </ConfirmDialog>
  );
}
