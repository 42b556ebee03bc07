import { useQuery } from "@tanstack/react-query";

import { templateQuery } from "@/services/templates";
import { Dialog } from "@/ui/Dialog";
import { ErrorState } from "@/ui/ErrorState";
import { Skeleton } from "@/ui/Skeleton";

import { MODE_LABELS } from "./modeLabels";
import type { Template } from "./model";
import s from "./Templates.module.css";

/** Preview of a template. */
export function TemplateDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = useQuery(templateQuery(id));
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={data?.name ?? "Template"}
      {...(data?.description ? { description: data.description } : {})}
      side
    >
      {error ? (
        <ErrorState error={error} onRetry={() => void refetch()} />
      ) : data ? (
        <TemplateContent template={data} />
      ) : (
        <Skeleton />
      )}
    </Dialog>
  );
}

function TemplateContent({ template }: { template: Template }) {
  return (
    <div className={s.inside}>
      {template.parameters.length > 0 && (
        <dl className={s.parameters}>
          {template.parameters.map(({ name, description, default: usual }) => (
            <div key={name}>
              <dt className="mono">{name}</dt>
              <dd>
                {description}
                {usual && ` Default: ${usual}.`}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {template.phases.map((phase, number) => (
        <section key={number} className={s.phase}>
          <h3>
            {phase.title} <span>{MODE_LABELS[phase.mode].label}</span>
          </h3>
          <ul>
            {phase.tasks.map((task, position) => (
              <li key={position}>
                <p className={s.task}>{task.title}</p>
                {task.description && <p className={s.text}>{task.description}</p>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}
