import {
  CircleCheck,
  CirclePause,
  CirclePlay,
  CircleX,
  Hand,
  type LucideIcon,
  RotateCcw,
  SkipForward,
} from "lucide-react";
import type { ReactNode } from "react";

import type { PlanContext } from "@/plans/planContext";
import { approveTask, resumePlan, retryTask } from "@/services/executions";
import { Button } from "@/ui/Button";

import { taskActions } from "./actions";
import { type Waiting, waitingForPerson } from "./attention";
import s from "./Attention.module.css";

const KINDS: Record<Waiting["kind"], { said: string; icon: LucideIcon; isRed?: boolean }> = {
  approval: { said: "Needs approval", icon: Hand },
  failed: { said: "Task failed", icon: CircleX, isRed: true },
  checkpoint: { said: "Paused for review", icon: CirclePause },
  paused: { said: "Paused", icon: CirclePause },
  died: { said: "Run ended early", icon: CircleX, isRed: true },
  "rollback-failed": { said: "Rollback", icon: CircleX, isRed: true },
};

type Props = PlanContext & { onChoose: (taskId: string) => void };

/** What waits for a person, on top of everything, with what can be done about it. */
export function Attention(props: Props) {
  const waiting = waitingForPerson(props.progress);
  if (waiting.length === 0) return null;
  return (
    <section aria-label="Needs attention" role="status">
      <ul className={s.list}>
        {waiting.map((one) => (
          <Card key={`${one.kind} ${one.task?.id ?? ""}`} waiting={one} {...props} />
        ))}
      </ul>
    </section>
  );
}

function Card({ waiting, ...props }: Props & { waiting: Waiting }) {
  const { said, icon: Icon, isRed } = KINDS[waiting.kind];
  return (
    <li className={`${s.card} ${isRed ? s.red : ""}`}>
      <span className={s.icon}>
        <Icon size={19} aria-hidden />
      </span>
      <div className={s.text}>
        <p className={s.kind}>{said}</p>
        <h2 className={s.title}>{waiting.title}</h2>
        <p className={s.detail}>{waiting.detail}</p>
      </div>
      <div className={s.actions}>{actionsOf(waiting, props)}</div>
    </li>
  );
}

function actionsOf({ task, kind }: Waiting, { plan, progress, ask, control, onChoose }: Props): ReactNode {
  if (!task) {
    if (kind === "rollback-failed") return null;
    return (
      <Button
        variant="primary"
        icon={CirclePlay}
        busy={control.isPending}
        onClick={() => control.mutate({ ask: () => resumePlan(plan.id) })}
      >
        {kind === "checkpoint" ? "Continue" : "Resume"}
      </Button>
    );
  }
  const offered = taskActions(progress, task);
  return (
    <>
      <Button variant="ghost" onClick={() => onChoose(task.id)}>
        Details
      </Button>
      {offered.has("skip") && kind === "failed" && (
        <Button icon={SkipForward} onClick={() => ask({ kind: "skip", task })}>
          Skip…
        </Button>
      )}
      {offered.has("complete") && kind === "failed" && (
        <Button icon={CircleCheck} onClick={() => ask({ kind: "complete", task })}>
          Complete manually…
        </Button>
      )}
      {offered.has("reject") && <Button onClick={() => ask({ kind: "reject", task })}>Reject…</Button>}
      {offered.has("approve") && (
        <Button
          variant="primary"
          icon={CircleCheck}
          busy={control.isPending}
          onClick={() => control.mutate({ ask: () => approveTask(task.id) })}
        >
          Approve
        </Button>
      )}
      {offered.has("retry") && (
        <Button
          variant="primary"
          icon={RotateCcw}
          busy={control.isPending}
          onClick={() => control.mutate({ ask: () => retryTask(task.id) })}
        >
          Retry
        </Button>
      )}
    </>
  );
}
