import { CircleCheck, Hand, RotateCcw, SkipForward, Undo2 } from "lucide-react";
import type { ReactNode } from "react";

import { VERIFIED } from "@/checks/statuses";
import { phaseOf, taskOf, type TaskProgress } from "@/plans/model";
import { Status } from "@/plans/PlanBadge";
import type { PlanContext } from "@/plans/planContext";
import { TASK_STATUSES } from "@/plans/statuses";
import { approveTask, retryTask } from "@/services/executions";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { compact, dateTime, duration, money, plural } from "@/ui/format";

import { taskActions } from "./actions";
import { Commit } from "./Commit";
import { TaskChecks } from "./TaskChecks";
import { TaskLogView } from "./TaskLogView";
import { TaskPatchView } from "./TaskPatchView";
import s from "./TaskPanel.module.css";

type Props = PlanContext & { task: TaskProgress; onClose: () => void };

/** Details of a task: status, log and change. */
export function TaskPanel({ onClose, ...props }: Props) {
  const { plan, task } = props;
  const written = taskOf(plan, task.id);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={task.title}
      description={`Task ${task.key} of ${phaseOf(plan, task.id)?.title ?? "the plan"}`}
      side
      {...(taskActions(props.progress, task).size > 0 ? { footer: <Actions {...props} /> } : {})}
    >
      <div className={s.sections}>
        <p className={s.status}>
          <Status shown={TASK_STATUSES[task.status]} />
          {task.verified && <Status shown={VERIFIED[task.verified]} />}
          {task.note && <span>{task.note}</span>}
        </p>
        {task.activity && (
          <p className={s.prose} role="status" aria-label="Activity">
            {task.activity}
          </p>
        )}
        {task.errorMsg && <p className={s.error}>{task.errorMsg}</p>}
        {task.summary && <p className={s.prose}>{task.summary}</p>}
        <Facts {...props} />
        {written?.description && (
          <Section title="Description">
            <p className={s.prose}>{written.description}</p>
          </Section>
        )}
        {written && written.acceptanceCriteria.length > 0 && (
          <Section title="Acceptance criteria">
            <List lines={written.acceptanceCriteria} />
          </Section>
        )}
        {task.filesChanged.length > 0 && (
          <Section title={`${plural(task.filesChanged.length, "file")} changed`}>
            <List lines={task.filesChanged} isMono />
          </Section>
        )}
        {task.findings.length > 0 && (
          <Section title="Changes to tests and checks">
            <List lines={task.findings} />
          </Section>
        )}
        {task.reviewed && (
          <Section title="Review">
            <p className={s.prose}>{task.reviewed}</p>
          </Section>
        )}
        {task.attempts > 0 && (
          <TaskChecks taskId={task.id} verified={task.verified} isLive={task.status === "RUNNING"} />
        )}
        {!plan.autoCommit && task.status === "COMPLETED" && <TaskPatchView taskId={task.id} />}
        {task.attempts > 0 && <TaskLogView taskId={task.id} isLive={task.status === "RUNNING"} />}
      </div>
    </Dialog>
  );
}

function Facts({ plan, repositoryOf, task }: Props | Omit<Props, "onClose">) {
  const titles = (ids: readonly string[]) => ids.map((id) => taskOf(plan, id)?.title ?? id).join(", ");
  const { input, output, cacheRead, cacheWrite } = task.tokens;
  const tokens = input + output + cacheRead + cacheWrite;
  const took =
    task.startedAt && task.completedAt && Date.parse(task.completedAt) - Date.parse(task.startedAt);
  return (
    <dl className={s.facts}>
      {task.waitsFor.length > 0 && <Fact name="Waiting for">{titles(task.waitsFor)}</Fact>}
      {task.attempts > 0 && (
        <Fact name="Attempts">
          {task.attempts}, {plural(task.turns, "turn")}
        </Fact>
      )}
      {task.startedAt && <Fact name="Started">{dateTime(new Date(task.startedAt))}</Fact>}
      {took ? <Fact name="Duration">{duration(took)}</Fact> : null}
      {tokens > 0 && (
        <Fact name="Cost">
          {money(task.costUsd)}, {compact(tokens)} tokens
        </Fact>
      )}
      {task.commitSha && (
        <Fact name="Commit">
          <Commit sha={task.commitSha} repository={repositoryOf(task.id)} />
        </Fact>
      )}
      {task.revertSha && (
        <Fact name="Reverted by">
          <Commit sha={task.revertSha} repository={repositoryOf(task.id)} />
        </Fact>
      )}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={s.section}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function List({ lines, isMono = false }: { lines: string[]; isMono?: boolean }) {
  return (
    <ul className={`${s.list} ${isMono ? "mono" : ""}`}>
      {lines.map((line, index) => (
        <li key={index}>{line}</li>
      ))}
    </ul>
  );
}

function Actions({ progress, openDialog, control, task }: Omit<Props, "onClose">) {
  const offered = taskActions(progress, task);
  const approve = () => control.mutate({ send: () => approveTask(task.id) });
  const retry = () => control.mutate({ send: () => retryTask(task.id) });
  return (
    <>
      {offered.has("rollback") && (
        <Button icon={Undo2} onClick={() => openDialog({ kind: "rollback", taskId: task.id })}>
          Roll back…
        </Button>
      )}
      {offered.has("skip") && (
        <Button icon={SkipForward} onClick={() => openDialog({ kind: "skip", task })}>
          Skip…
        </Button>
      )}
      {offered.has("complete") && (
        <Button icon={CircleCheck} onClick={() => openDialog({ kind: "complete", task })}>
          Complete manually…
        </Button>
      )}
      {offered.has("reject") && (
        <Button variant="danger" onClick={() => openDialog({ kind: "reject", task })}>
          Reject…
        </Button>
      )}
      {offered.has("approve") && (
        <Button variant="primary" icon={Hand} busy={control.isPending} onClick={approve}>
          Approve
        </Button>
      )}
      {offered.has("retry") && (
        <Button variant="primary" icon={RotateCcw} busy={control.isPending} onClick={retry}>
          Retry
        </Button>
      )}
    </>
  );
}
