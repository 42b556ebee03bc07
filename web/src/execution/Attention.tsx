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
import { type AttentionItem, attentionItems } from "./attention";
import s from "./Attention.module.css";

const KINDS: Record<AttentionItem["kind"], { label: string; icon: LucideIcon; isRed?: boolean }> = {
  approval: { label: "Needs approval", icon: Hand },
  failed: { label: "Task failed", icon: CircleX, isRed: true },
  checkpoint: { label: "Paused for review", icon: CirclePause },
  paused: { label: "Paused", icon: CirclePause },
  trouble: { label: "Paused", icon: CircleX, isRed: true },
  limit: { label: "Paused", icon: CirclePause },
  died: { label: "Run ended early", icon: CircleX, isRed: true },
  "rollback-failed": { label: "Rollback", icon: CircleX, isRed: true },
};

type Props = PlanContext & { onChoose: (taskId: string) => void };

/** Decisions needed from a user, with their actions. */
export function Attention(props: Props) {
  const item = attentionItems(props.progress);
  if (item.length === 0) return null;
  return (
    <section aria-label="Needs attention" role="status">
      <ul className={s.list}>
        {item.map((one) => (
          <Card key={`${one.kind} ${one.task?.id ?? ""}`} item={one} {...props} />
        ))}
      </ul>
    </section>
  );
}

function Card({ item, ...props }: Props & { item: AttentionItem }) {
  const { label, icon: Icon, isRed } = KINDS[item.kind];
  return (
    <li className={`${s.card} ${isRed ? s.red : ""}`}>
      <span className={s.icon}>
        <Icon size={19} aria-hidden />
      </span>
      <div className={s.text}>
        <p className={s.kind}>{label}</p>
        <h2 className={s.title}>{item.title}</h2>
        <p className={s.detail}>{item.detail}</p>
      </div>
      <div className={s.actions}>{actionsOf(item, props)}</div>
    </li>
  );
}

function actionsOf(
  { task, kind }: AttentionItem,
  { plan, progress, openDialog, control, onChoose }: Props,
): ReactNode {
  if (!task) {
    if (kind === "rollback-failed") return null;
    return (
      <Button
        variant="primary"
        icon={CirclePlay}
        busy={control.isPending}
        onClick={() => control.mutate({ send: () => resumePlan(plan.id) })}
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
        <Button icon={SkipForward} onClick={() => openDialog({ kind: "skip", task })}>
          Skip…
        </Button>
      )}
      {offered.has("complete") && kind === "failed" && (
        <Button icon={CircleCheck} onClick={() => openDialog({ kind: "complete", task })}>
          Complete manually…
        </Button>
      )}
      {offered.has("reject") && <Button onClick={() => openDialog({ kind: "reject", task })}>Reject…</Button>}
      {offered.has("approve") && (
        <Button
          variant="primary"
          icon={CircleCheck}
          busy={control.isPending}
          onClick={() => control.mutate({ send: () => approveTask(task.id) })}
        >
          Approve
        </Button>
      )}
      {offered.has("retry") && (
        <Button
          variant="primary"
          icon={RotateCcw}
          busy={control.isPending}
          onClick={() => control.mutate({ send: () => retryTask(task.id) })}
        >
          Retry
        </Button>
      )}
    </>
  );
}
