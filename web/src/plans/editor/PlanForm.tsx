import { fieldError } from "@/api/errors";
import { StoryPicker } from "@/plans/create/StoryPicker";
import { isExecuting, isFreelyEditable, type Plan } from "@/plans/model";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { changePlan } from "@/services/plans";
import { Checkbox } from "@/ui/Checkbox";
import { Field } from "@/ui/Field";

import { CostLimitField } from "./CostLimitField";
import { EditPanel } from "./EditPanel";
import s from "./EditPanel.module.css";
import { SessionFields } from "./SessionFields";
import { useDraft } from "./useDraft";

/** Texts and run settings of a plan. */
export function PlanForm({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  const edit = usePlanEdit(plan.id);
  const { title, description, branch, autoCommit, maxParallel, storyIds } = plan;
  const { maxCostUsd, model, modelEffort, review } = plan;
  const texts = { title, description, branch, storyIds };
  const current = { ...texts, autoCommit, maxParallel, maxCostUsd, model, modelEffort, review };
  const draft = useDraft(plan.id, current);
  const { shown, type } = draft;
  const isFree = isFreelyEditable(plan.status);
  const isRunning = isExecuting(plan.status);
  const save = () =>
    edit.mutate(
      { send: (version) => changePlan(plan.id, draft.changes, version), isQuiet: true },
      {
        onSuccess: () => {
          draft.clear();
          onClose();
        },
      },
    );
  return (
    <EditPanel
      title="Plan details"
      description="Texts and run settings."
      frozen={isFree || isRunning ? null : "The plan has started. These settings are read-only."}
      current={current}
      draft={draft}
      busy={edit.isPending}
      error={edit.error}
      onSave={save}
      onClose={onClose}
    >
      {isRunning && <p className={s.frozen}>The plan has started. Only its cost limit can be changed.</p>}
      <CostLimitField
        hint="The plan pauses at the limit."
        value={shown.maxCostUsd}
        error={fieldError(edit.error, "maxCostUsd")}
        onChange={(value) => type("maxCostUsd", value)}
      />
      <fieldset className={s.fields} disabled={!isFree}>
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
        <Field label="Description">
          {(props) => (
            <textarea
              {...props}
              rows={8}
              value={shown.description}
              maxLength={20000}
              onChange={(event) => type("description", event.target.value)}
            />
          )}
        </Field>
        <div className={s.pair}>
          <Field label="Branch" hint="Leave empty for a generated name.">
            {(props) => (
              <input
                {...props}
                value={shown.branch ?? ""}
                maxLength={200}
                pattern="[A-Za-z0-9][A-Za-z0-9._\/\-]*"
                spellCheck={false}
                onChange={(event) => type("branch", event.target.value || null)}
              />
            )}
          </Field>
          <Field label="Max parallel tasks" hint="Applies to parallel phases.">
            {(props) => (
              <input
                {...props}
                type="number"
                min={1}
                max={100}
                required
                value={shown.maxParallel || ""}
                onChange={(event) => type("maxParallel", event.target.valueAsNumber || 0)}
              />
            )}
          </Field>
        </div>
        <Checkbox checked={shown.autoCommit} onCheckedChange={(value) => type("autoCommit", value)}>
          Commit each task’s change to the branch. If off, changes are kept as patches.
        </Checkbox>
        <Checkbox checked={shown.review} onCheckedChange={(value) => type("review", value)}>
          Review each change. A second session reviews it before it lands.
        </Checkbox>
        <SessionFields
          of="plan"
          value={shown}
          onModel={(model) => type("model", model)}
          onEffort={(effort) => type("modelEffort", effort)}
          errorOf={(field) => fieldError(edit.error, field)}
        />
        <StoryPicker
          label="Linked stories"
          value={shown.storyIds}
          onChange={(ids) => type("storyIds", ids)}
        />
      </fieldset>
    </EditPanel>
  );
}
