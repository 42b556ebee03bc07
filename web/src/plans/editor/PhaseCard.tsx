import { ArrowDown, ArrowUp, CirclePause, Ellipsis, GitFork, PencilLine, Trash2 } from "lucide-react";
import { useState } from "react";

import { isFreelyEditable, type Phase, type Plan } from "@/plans/model";
import { MODE_LABELS } from "@/plans/modeLabels";
import { IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";

import { AddTask } from "./AddTask";
import { DeleteElement } from "./DeleteElement";
import s from "./Editor.module.css";
import { TaskRow } from "./TaskRow";
import type { useMoves } from "./useMoves";
import type { useTaskDrag } from "./useTaskDrag";

type Props = {
  plan: Plan;
  phase: Phase;
  position: number;
  chosenId: string | null;
  onChoose: (id: string) => void;
  moves: ReturnType<typeof useMoves>;
  drag: ReturnType<typeof useTaskDrag>;
};

export function PhaseCard({ plan, phase, position, chosenId, onChoose, moves, drag }: Props) {
  const isFree = isFreelyEditable(plan.status);
  const place = drag.dragged?.place?.phaseId === phase.id ? drag.dragged.place.position : null;
  const others = phase.tasks.filter(({ id }) => id !== drag.dragged?.taskId);
  return (
    <section className={`${s.phase} ${place === null ? "" : s.target}`} aria-label={`Phase ${phase.title}`}>
      <header className={s.phaseHeader}>
        <span className={s.number} aria-hidden>
          {position + 1}
        </span>
        <h2 className={s.phaseTitle}>{phase.title}</h2>
        <PhaseFacts phase={phase} />
        <PhaseMenu {...{ plan, phase, position, onChoose, moves, isFree }} />
      </header>
      {phase.description && <p className={s.phaseDescription}>{phase.description}</p>}
      <ul className={s.tasks} data-phase-id={phase.id}>
        {phase.tasks.map((task) => (
          <TaskRow
            key={task.id}
            plan={plan}
            task={task}
            isChosen={task.id === chosenId}
            isMovable={isFree}
            isDropBefore={place !== null && others[place]?.id === task.id}
            onChoose={onChoose}
            moveTask={moves.moveTask}
            drag={drag}
          />
        ))}
        {place !== null && place >= others.length && <li className={s.drop} aria-hidden />}
        {phase.tasks.length === 0 && <li className={s.none}>No tasks yet.</li>}
      </ul>
      {isFree && <AddTask plan={plan} phase={phase} />}
    </section>
  );
}

function PhaseFacts({ phase }: { phase: Phase }) {
  const { icon: Icon, label, hint } = MODE_LABELS[phase.mode];
  return (
    <span className={s.facts}>
      <span className={s.fact} title={hint}>
        <Icon size={13} aria-hidden /> {label}
      </span>
      {phase.pauseAfter && (
        <span className={s.fact} title="The plan pauses after this phase.">
          <CirclePause size={13} aria-hidden /> Pauses after
        </span>
      )}
      {phase.condition && (
        <span className={s.fact} title="Runs only if its condition is met.">
          <GitFork size={13} aria-hidden /> Conditional
        </span>
      )}
    </span>
  );
}

type MenuProps = Pick<Props, "plan" | "phase" | "position" | "onChoose" | "moves"> & { isFree: boolean };

function PhaseMenu({ plan, phase, position, onChoose, moves, isFree }: MenuProps) {
  const [isDeleting, setDeleting] = useState(false);
  return (
    <>
      <Menu trigger={<IconButton label={`Actions for phase ${phase.title}`} icon={Ellipsis} size="s" />}>
        <MenuItem icon={PencilLine} onSelect={() => onChoose(phase.id)}>
          {isFree ? "Edit" : "View"}
        </MenuItem>
        {isFree && (
          <>
            <MenuItem
              icon={ArrowUp}
              disabled={position === 0}
              onSelect={() => moves.movePhase(phase, position - 1)}
            >
              Move up
            </MenuItem>
            <MenuItem
              icon={ArrowDown}
              disabled={position === plan.phases.length - 1}
              onSelect={() => moves.movePhase(phase, position + 1)}
            >
              Move down
            </MenuItem>
            <MenuSeparator />
            <MenuItem icon={Trash2} danger onSelect={() => setDeleting(true)}>
              Delete…
            </MenuItem>
          </>
        )}
      </Menu>
      {isDeleting && <DeleteElement plan={plan} phase={phase} onClose={() => setDeleting(false)} />}
    </>
  );
}
