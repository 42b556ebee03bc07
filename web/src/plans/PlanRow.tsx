import { useQuery } from "@tanstack/react-query";
import { ChevronRight, Hand } from "lucide-react";
import { Link } from "react-router";

import { attentionItems } from "@/execution/attention";
import { percentOf, segmentsOf } from "@/execution/segments";
import { progressQuery } from "@/services/executions";
import { ago, plural } from "@/ui/format";
import { MockMark } from "@/ui/MadeBy";
import { ProgressBar } from "@/ui/ProgressBar";

import { isExecuting, type PlanInBrief, type Repository } from "./model";
import { PlanBadge } from "./PlanBadge";
import s from "./PlansPage.module.css";

const BEFORE = ["GENERATING", "DRAFT", "READY"];

/** Row in the list of plans. Loads the progress only after the first run. */
export function PlanRow({ plan, repository }: { plan: PlanInBrief; repository: Repository | null }) {
  const hasBegun = !BEFORE.includes(plan.status);
  const progress = useQuery({ ...progressQuery(plan.id), enabled: hasBegun }).data;
  const status = progress?.status ?? plan.status;
  const waiting = progress ? attentionItems(progress) : [];
  const to = isExecuting(status) ? `/plans/${plan.id}/execution` : `/plans/${plan.id}`;
  return (
    <li className={s.plan}>
      <div className={s.main}>
        <Link to={to} className={s.title}>
          {plan.title}
        </Link>
        <p className={s.facts}>
          {repository && <span>{repository.name}</span>}
          {plan.status !== "GENERATING" && (
            <span>
              {plural(plan.phaseCount, "phase")}, {plural(plan.taskCount, "task")}
            </span>
          )}
          <MockMark madeBy={plan.madeBy} />
          <span>updated {ago(new Date(plan.updatedAt))}</span>
        </p>
        {plan.error && <p className={s.error}>{plan.error}</p>}
      </div>
      {progress && progress.execution > 0 && (
        <div className={s.progress}>
          <ProgressBar thin label={`Progress of ${plan.title}`} segments={segmentsOf(progress)} />
          <span className={s.percent}>{percentOf(progress)}%</span>
        </div>
      )}
      {waiting.length > 0 && (
        <span className={s.waiting}>
          <Hand size={14} aria-hidden />{" "}
          {waiting.length === 1 ? "Needs attention" : `${waiting.length} need attention`}
        </span>
      )}
      <PlanBadge status={status} />
      <ChevronRight size={16} aria-hidden className={s.chevron} />
    </li>
  );
}
