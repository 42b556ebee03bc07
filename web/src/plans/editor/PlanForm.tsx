import { StoryPicker } from "@/plans/creating/StoryPicker";
import { isFreelyEditable, type Plan } from "@/plans/model";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { changePlan } from "@/services/plans";
import { Checkbox } from "@/ui/Checkbox";
import { Field } from "@/ui/Field";

import { EditPanel } from "./EditPanel";
import s from "./EditPanel.module.css";
import { useDraft } from "./useDraft";

/** What the plan says of itself, and how it is carried out. */
export function PlanForm({ plan, onClose }: { plan: Plan; onClose: () => void }) {
  const edit = usePlanEdit(plan.id);
  const { title, description, branch, autoCommit, maxParallel, storyIds } = plan;
  const current = { title, description, branch, autoCommit, maxParallel, storyIds };
  const draft = useDraft(plan.id, current);
  const { shown, type } = draft;
  const save = () =>
    edit.mutate(
      { ask: (version) => changePlan(plan.id, draft.changes, version), isQuiet: true },
      {
        onSuccess: () => {
          draft.clear();
          onClose();
        },
      },
    );
  return (
    <EditPanel
      title="The plan itself"
      description="What it says, and how it is carried out."
      frozen={isFreelyEditable(plan.status) ? null : "The plan has begun: this stays as it is."}
      current={current}
      draft={draft}
      busy={edit.isPending}
      error={edit.error}
      onSave={save}
      onClose={onClose}
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
        <Field label="Branch" hint="Empty: one of the plan’s own.">
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
        <Field label="Tasks at once" hint="At most, in phases that go in parallel.">
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
        Commit each task’s change to the branch; else it is kept as a patch to look at
      </Checkbox>
      <StoryPicker
        label="Stories it carries out"
        value={shown.storyIds}
        onChange={(ids) => type("storyIds", ids)}
      />
    </EditPanel>
  );
}
