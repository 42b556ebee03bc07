import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { FormDialog } from "@/plans/FormDialog";
import { type Plan, type ReviewType, tasksOf } from "@/plans/model";
import { planKeys, reviewPlan } from "@/services/plans";
import { Field } from "@/ui/Field";
import { RadioCards } from "@/ui/RadioCards";
import { Select } from "@/ui/Select";

import { REVIEWS } from "./types";

const WHOLE = "plan";

type Props = { plan: Plan; onClose: () => void; onAsked: (iterationId: string) => void };

/** Start a review: focus and scope. */
export function ReviewDialog({ plan, onClose, onAsked }: Props) {
  const queries = useQueryClient();
  const [reviewType, setReviewType] = useState<ReviewType>("refine_descriptions");
  const [target, setTarget] = useState(WHOLE);
  const asking = useMutation({
    mutationFn: () => {
      const isPhase = plan.phases.some(({ id }) => id === target);
      const scope = target === WHOLE ? "plan" : isPhase ? "phase" : "task";
      return reviewPlan(plan.id, { reviewType, scope, targetId: target === WHOLE ? null : target });
    },
    onSuccess: async ({ iterationId }) => {
      await queries.invalidateQueries({ queryKey: planKeys.one(plan.id) });
      onAsked(iterationId);
      onClose();
    },
  });
  return (
    <FormDialog
      title="Review plan"
      description="Nothing changes until you apply suggestions."
      size="l"
      submit="Start review"
      busy={asking.isPending}
      error={asking.error}
      onSubmit={() => asking.mutate()}
      onClose={onClose}
    >
      <RadioCards<ReviewType>
        label="Focus"
        value={reviewType}
        onValueChange={setReviewType}
        choices={REVIEWS}
      />
      <Field label="Scope">
        {({ id }) => (
          <Select
            id={id}
            label="Scope"
            value={target}
            onValueChange={setTarget}
            options={[
              { value: WHOLE, label: "The whole plan" },
              ...plan.phases.map((phase) => ({ value: phase.id, label: `Phase: ${phase.title}` })),
              ...tasksOf(plan).map((task) => ({ value: task.id, label: `Task: ${task.title}` })),
            ]}
          />
        )}
      </Field>
    </FormDialog>
  );
}
