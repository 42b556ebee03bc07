import { Trash2 } from "lucide-react";
import { useState } from "react";

import { fieldError } from "@/api/errors";
import { isFreelyEditable, isTaskEditable, type Phase, type Plan, type Task } from "@/plans/model";
import { withTaskAt } from "@/plans/moves";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { changeTask } from "@/services/plans";
import { Button } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import { Field } from "@/ui/Field";
import { Select } from "@/ui/Select";

import { ConditionFields } from "./ConditionFields";
import { CostLimitField } from "./CostLimitField";
import { CriteriaFields } from "./CriteriaFields";
import { DeleteElement } from "./DeleteElement";
import { DependencyPicker } from "./DependencyPicker";
import { EditPanel } from "./EditPanel";
import s from "./EditPanel.module.css";
import { EffortField } from "./EffortField";
import { RepositoryField } from "./RepositoryField";
import { ReviewField } from "./ReviewField";
import { SessionFields } from "./SessionFields";
import { StoryNote } from "./StoryNote";
import { useDraft } from "./useDraft";

type Props = { plan: Plan; phase: Phase; task: Task; onClose: () => void };

export function TaskForm({ plan, phase, task, onClose }: Props) {
  const [isDeleting, setDeleting] = useState(false);
  const edit = usePlanEdit(plan.id);
  const current = fieldsOf(task, phase.id);
  const draft = useDraft(task.id, current);
  const { shown, type } = draft;
  const isFree = isFreelyEditable(plan.status);
  const isEditable = isTaskEditable(plan, task);
  const save = () => {
    const changes = tidied(draft.changes);
    edit.mutate(
      { send: (version) => changeTask(task.id, changes, version), isQuiet: true },
      {
        onSuccess: () => {
          draft.clear();
          onClose();
        },
      },
    );
  };
  const withDraft = { ...plan, phases: planWith(plan, task, shown.phaseId).phases };
  return (
    <EditPanel
      title={task.title}
      description={`Task ${task.key} of ${phase.title}`}
      frozen={isEditable ? null : "The task has started or the plan has ended. The task is read-only."}
      current={current}
      draft={draft}
      busy={edit.isPending}
      error={edit.error}
      onSave={save}
      onClose={onClose}
      aside={
        isFree && (
          <Button variant="danger" icon={Trash2} onClick={() => setDeleting(true)}>
            Delete…
          </Button>
        )
      }
    >
      <Field label="Title">
        {(props) => (
          <input
            {...props}
            value={shown.title}
            maxLength={300}
            required
            onChange={(event) => type("title", event.target.value)}
          />
        )}
      </Field>
      <Field label="Description" hint="Claude reads this. Name files and conventions if you know them.">
        {(props) => (
          <textarea
            {...props}
            rows={6}
            value={shown.description}
            maxLength={5000}
            onChange={(event) => type("description", event.target.value)}
          />
        )}
      </Field>
      <CriteriaFields
        value={shown.acceptanceCriteria}
        onChange={(value) => type("acceptanceCriteria", value)}
      />
      <Checkbox checked={shown.changeAsked} onCheckedChange={(value) => type("changeAsked", value)}>
        Must change files
        <span className={s.optionWhy}>If off, the task may only inspect and report.</span>
      </Checkbox>
      <EffortField value={shown.effort} onChange={(value) => type("effort", value)} />
      <DependencyPicker
        plan={withDraft}
        taskId={task.id}
        value={shown.dependsOn}
        onChange={(value) => type("dependsOn", value)}
      />
      <Field label="Files" hint="Relevant files, one per line.">
        {(props) => (
          <textarea
            {...props}
            className={`${props.className} mono`}
            rows={3}
            spellCheck={false}
            value={shown.files.join("\n")}
            onChange={(event) => type("files", event.target.value ? event.target.value.split("\n") : [])}
          />
        )}
      </Field>
      <div className={s.pair}>
        <Field label="Key" hint="Short name, used in references.">
          {(props) => (
            <input
              {...props}
              value={shown.key}
              maxLength={40}
              required
              pattern="[A-Za-z0-9][A-Za-z0-9._\-]*"
              spellCheck={false}
              onChange={(event) => type("key", event.target.value)}
            />
          )}
        </Field>
        {isFree && (
          <Field label="Phase" hint="A moved task goes to the end of the phase.">
            {({ id }) => (
              <Select
                id={id}
                label="Phase"
                value={shown.phaseId}
                onValueChange={(value) => type("phaseId", value)}
                options={plan.phases.map((one) => ({ value: one.id, label: one.title }))}
              />
            )}
          </Field>
        )}
      </div>
      <RepositoryField
        usual={plan.repositoryId}
        value={shown.repositoryId}
        onChange={(value) => type("repositoryId", value)}
      />
      <CostLimitField
        hint="Applies to this task only."
        value={shown.maxCostUsd}
        error={fieldError(edit.error, "maxCostUsd")}
        onChange={(value) => type("maxCostUsd", value)}
      />
      <SessionFields
        of="task"
        value={shown}
        onModel={(model) => type("model", model)}
        onEffort={(effort) => type("modelEffort", effort)}
        errorOf={(field) => fieldError(edit.error, field)}
      />
      <ReviewField usual={plan.review} value={shown.review} onChange={(value) => type("review", value)} />
      <ConditionFields
        plan={plan}
        before={shown.phaseId}
        besides={shown.dependsOn}
        value={shown.condition}
        onChange={(value) => type("condition", value)}
      />
      <StoryNote storyId={task.storyId} subtaskId={task.subtaskId} />
      {isDeleting && (
        <DeleteElement plan={plan} task={task} onClose={() => setDeleting(false)} onDeleted={onClose} />
      )}
    </EditPanel>
  );
}

/** Editable fields of a task. */
function fieldsOf(task: Task, phaseId: string) {
  const { title, description, acceptanceCriteria, effort, dependsOn, files, key } = task;
  const { changeAsked, repositoryId, condition, maxCostUsd, model, modelEffort, review } = task;
  return {
    title,
    description,
    acceptanceCriteria,
    effort,
    dependsOn,
    files,
    key,
    changeAsked,
    repositoryId,
    condition,
    maxCostUsd,
    model,
    modelEffort,
    review,
    phaseId,
  };
}

type Fields = ReturnType<typeof fieldsOf>;

/** Remove empty lines. */
function tidied({ acceptanceCriteria, files, ...rest }: Partial<Fields>): Partial<Fields> {
  const filled = (lines: string[]) => lines.map((line) => line.trim()).filter(Boolean);
  return {
    ...rest,
    ...(acceptanceCriteria ? { acceptanceCriteria: filled(acceptanceCriteria) } : {}),
    ...(files ? { files: filled(files) } : {}),
  };
}

/** Plan with the task in its new phase, to check dependencies. */
function planWith(plan: Plan, task: Task, phaseId: string): Plan {
  const phase = plan.phases.find((one) => one.id === phaseId);
  if (!phase || phase.tasks.some(({ id }) => id === task.id)) return plan;
  return withTaskAt(plan, task.id, { phaseId, position: phase.tasks.length });
}
