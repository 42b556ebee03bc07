import { CirclePause, Undo2 } from "lucide-react";

import { VERIFIED } from "@/checks/statuses";
import { type Phase, type PhaseProgress, type TaskProgress, tasksOf } from "@/plans/model";
import { MODE_LABELS } from "@/plans/modeLabels";
import { Status } from "@/plans/PlanBadge";
import type { PlanContext } from "@/plans/planContext";
import { PHASE_STATUSES, TASK_STATUSES } from "@/plans/statuses";
import { IconButton } from "@/ui/Button";
import { duration, money } from "@/ui/format";

import { planActions } from "./actions";
import { rollbackScope } from "./rollbackScope";
import { Commit } from "./Commit";
import s from "./PhaseProgressList.module.css";

type Props = PlanContext & { onChoose: (taskId: string) => void };

/** Phases with their tasks as lists. */
export function PhaseProgressList(props: Props) {
  const { plan, progress } = props;
  return (
    <ol className={s.phases}>
      {progress.phases.map((phase) => (
        <li key={phase.id}>
          <PhaseSection {...props} phase={phase} written={plan.phases.find(({ id }) => id === phase.id)} />
        </li>
      ))}
    </ol>
  );
}

function PhaseSection(props: Props & { phase: PhaseProgress; written: Phase | undefined }) {
  const { plan, progress, openDialog, phase, written } = props;
  const tasks = progress.tasks.filter((task) => task.phaseId === phase.id);
  const { icon: Icon, label, hint } = MODE_LABELS[phase.mode];
  const canRollBack =
    planActions(progress).has("rollback") &&
    rollbackScope(plan, progress, { phaseId: phase.id }).targets.length > 0;
  return (
    <section
      className={`${s.phase} ${phase.id === progress.currentPhaseId ? s.current : ""}`}
      aria-label={`Phase ${phase.title}`}
    >
      <header className={s.header}>
        <h3>{phase.title}</h3>
        <span className={s.fact} title={hint}>
          <Icon size={13} aria-hidden /> {label}
        </span>
        {written?.pauseAfter && (
          <span className={s.fact}>
            <CirclePause size={13} aria-hidden /> Pauses after
          </span>
        )}
        <span className={s.end}>
          {phase.costUsd > 0 && <span className={s.fact}>{money(phase.costUsd)}</span>}
          <Status shown={PHASE_STATUSES[phase.status]} />
          {canRollBack && (
            <IconButton
              label={`Roll back phase ${phase.title}…`}
              icon={Undo2}
              size="s"
              onClick={() => openDialog({ kind: "rollback", phaseId: phase.id })}
            />
          )}
        </span>
      </header>
      <ul>
        {tasks.map((task) => (
          <TaskRow key={task.id} {...props} task={task} />
        ))}
      </ul>
    </section>
  );
}

function TaskRow({ plan, progress, repositoryOf, task, onChoose }: Props & { task: TaskProgress }) {
  const shown = TASK_STATUSES[task.status];
  return (
    <li className={s.task}>
      <div className={s.main}>
        <button type="button" className={s.title} onClick={() => onChoose(task.id)}>
          {task.title}
        </button>
        <p className={s.facts}>
          <span className="mono">{task.key}</span>
          {task.attempts > 1 && <span>attempt {task.attempts}</span>}
          {took(task) !== null && <span>{duration(took(task) ?? 0)}</span>}
          {task.costUsd > 0 && <span>{money(task.costUsd)}</span>}
          {task.waitsFor.length > 0 && progress.status !== "CANCELLED" && (
            <span>waiting for {keysOf(plan, task.waitsFor)}</span>
          )}
          {task.revertSha && <span>rolled back</span>}
        </p>
        {task.activity && <p className={s.activity}>{task.activity}</p>}
        {task.errorMsg && <p className={s.error}>{task.errorMsg}</p>}
      </div>
      {task.commitSha && <Commit sha={task.commitSha} repository={repositoryOf(task.id)} />}
      {task.verified && <Status shown={VERIFIED[task.verified]} />}
      <Status shown={shown} />
    </li>
  );
}

/** Null for manually completed tasks. */
function took({ attempts, startedAt, completedAt }: TaskProgress): number | null {
  return attempts > 0 && startedAt && completedAt ? Date.parse(completedAt) - Date.parse(startedAt) : null;
}

function keysOf(plan: PlanContext["plan"], ids: readonly string[]): string {
  const keys = new Map(tasksOf(plan).map((task) => [task.id, task.key]));
  const named = ids.slice(0, 4).map((id) => keys.get(id) ?? id);
  return named.join(", ") + (ids.length > 4 ? ` and ${ids.length - 4} more` : "");
}
