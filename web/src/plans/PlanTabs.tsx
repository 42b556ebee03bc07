import { NavLink } from "react-router";

import { attentionItems } from "@/execution/attention";

import type { Plan, Progress } from "./model";
import s from "./PlanTabs.module.css";

/** Tabs of a plan; each has a URL. */
export function PlanTabs({ plan, progress }: { plan: Plan; progress: Progress }) {
  const to = `/plans/${plan.id}`;
  const waiting = attentionItems(progress).length;
  return (
    <nav aria-label="Plan sections" className={s.tabs}>
      <NavLink to={to} end className={s.tab ?? ""}>
        Plan
      </NavLink>
      <NavLink to={`${to}/execution`} className={s.tab ?? ""}>
        Execution
        {waiting > 0 && (
          <span className={s.count}>
            {waiting}
            <span className="visually-hidden"> need attention</span>
          </span>
        )}
      </NavLink>
      <NavLink to={`${to}/reviews`} className={s.tab ?? ""}>
        Reviews
      </NavLink>
      <NavLink to={`${to}/history`} className={s.tab ?? ""}>
        History
      </NavLink>
    </nav>
  );
}
