import { useQuery } from "@tanstack/react-query";
import {
  ChevronDown,
  CirclePlus,
  GitCompare,
  History,
  ListChecks,
  type LucideIcon,
  PencilLine,
  RotateCcw,
  Sparkles,
} from "lucide-react";
import { Link } from "react-router";

import { explain } from "@/api/errors";
import { isFreelyEditable, type Iteration, type Plan } from "@/plans/model";
import { Status } from "@/plans/PlanBadge";
import { ITERATION_STATUSES } from "@/plans/statuses";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { iterationQuery, restoreVersion } from "@/services/plans";
import { Button } from "@/ui/Button";
import { ago, dateTime } from "@/ui/format";
import { MockMark } from "@/ui/MadeBy";
import { Skeleton } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";

import { Changes } from "./Changes";
import s from "./History.module.css";

const ICONS: Record<Iteration["kind"], LucideIcon> = {
  CREATED: CirclePlus,
  GENERATED: Sparkles,
  EDITED: PencilLine,
  REVIEWED: Sparkles,
  SUGGESTIONS_APPLIED: ListChecks,
  RESTORED: History,
};

type Props = { plan: Plan; iteration: Iteration; isOpen: boolean; onToggle: () => void };

export function IterationRow({ plan, iteration, isOpen, onToggle }: Props) {
  const Icon = ICONS[iteration.kind];
  const at = new Date(iteration.createdAt);
  return (
    <li className={s.iteration}>
      <button type="button" className={s.summary} aria-expanded={isOpen} onClick={onToggle}>
        <span className={s.icon}>
          <Icon size={15} aria-hidden />
        </span>
        <span className={s.what}>
          <span className={s.said}>{iteration.summary}</span>
          <span className={s.facts}>
            {iteration.who}, <time title={dateTime(at)}>{ago(at)}</time>{" "}
            <MockMark madeBy={iteration.madeBy} />
          </span>
        </span>
        {iteration.status !== "DONE" && <Status shown={ITERATION_STATUSES[iteration.status]} />}
        <span className={s.version}>
          {iteration.kind === "REVIEWED"
            ? `of version ${iteration.fromVersion}`
            : `version ${iteration.version}`}
        </span>
        <ChevronDown size={16} aria-hidden className={s.chevron} />
      </button>
      {isOpen && <IterationDetail plan={plan} iteration={iteration} />}
    </li>
  );
}

function IterationDetail({ plan, iteration }: { plan: Plan; iteration: Iteration }) {
  if (iteration.kind === "REVIEWED") {
    return (
      <div className={s.opened}>
        <Link to={`/plans/${plan.id}/reviews?review=${iteration.id}`}>View suggestions</Link>
      </div>
    );
  }
  return (
    <div className={s.opened}>
      {iteration.error && <p className={s.error}>{iteration.error}</p>}
      {iteration.status === "DONE" && (
        <>
          <VersionActions plan={plan} version={iteration.version} />
          <ChangesOf plan={plan} iterationId={iteration.id} />
        </>
      )}
    </div>
  );
}

function VersionActions({ plan, version }: { plan: Plan; version: number }) {
  const edit = usePlanEdit(plan.id);
  if (version === plan.version) return null;
  const restore = () =>
    edit.mutate(
      { send: (now) => restoreVersion(plan.id, version, now) },
      {
        onSuccess: () => toast.ok(`Version ${version} restored`, "Later versions stay in the history."),
      },
    );
  return (
    <p className={s.actions}>
      <Link className={s.link} to={`?from=${version}&to=${plan.version}`} replace>
        <GitCompare size={14} aria-hidden /> Compare with current
      </Link>
      {isFreelyEditable(plan.status) && (
        <Button size="s" icon={RotateCcw} busy={edit.isPending} onClick={restore}>
          Restore version {version}
        </Button>
      )}
    </p>
  );
}

function ChangesOf({ plan, iterationId }: { plan: Plan; iterationId: string }) {
  const { data, error } = useQuery(iterationQuery(plan.id, iterationId));
  if (error) return <p className={s.error}>{explain(error)}</p>;
  // the list has summaries; this answer has before and after values
  return data ? (
    <Changes plan={plan} changes={data.changes as Parameters<typeof Changes>[0]["changes"]} />
  ) : (
    <Skeleton lines={3} />
  );
}
