import { Link } from "react-router";

import { PlanBadge } from "@/plans/PlanBadge";
import type { StoryWithPlans } from "@/services/stories";
import { plural } from "@/ui/format";

import s from "./DetailPanel.module.css";

type PlanOfStory = StoryWithPlans["plans"][number];

/** Plans of a story with their progress. */
export function StoryPlans({ plans }: { plans: readonly PlanOfStory[] }) {
  if (plans.length === 0) return null;
  return (
    <section>
      <h3 className={s.label}>Plans</h3>
      <ul className={s.cards}>
        {plans.map((plan) => (
          <li key={plan.planId} className={`${s.card} ${s.plan}`}>
            <Link to={pathOf(plan)} className={s.planTitle}>
              {plan.title}
            </Link>
            <PlanBadge status={plan.status} />
            <span className={s.planFacts}>
              {plan.tasks.length === 0
                ? "No tasks for this story yet"
                : `${plan.progress}% of ${plural(plan.tasks.length, "task")} done`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function pathOf({ planId, status }: PlanOfStory): string {
  const isWritten = status === "GENERATING" || status === "DRAFT" || status === "READY";
  return isWritten ? `/plans/${planId}` : `/plans/${planId}/execution`;
}
