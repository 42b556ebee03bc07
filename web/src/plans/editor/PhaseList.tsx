import type { Plan } from "@/plans/model";

import { PhaseCard } from "./PhaseCard";
import s from "./Editor.module.css";
import { useMoves } from "./useMoves";
import { useTaskDrag } from "./useTaskDrag";

type Props = { plan: Plan; chosenId: string | null; onChoose: (id: string) => void };

/** List of phases with their tasks. */
export function PhaseList({ plan, chosenId, onChoose }: Props) {
  const moves = useMoves(plan);
  const drag = useTaskDrag(moves.moveTask);
  return (
    <>
      <p className="visually-hidden" role="status">
        {moves.announcement}
      </p>
      <ol className={s.phases}>
        {plan.phases.map((phase, position) => (
          <li key={phase.id}>
            <PhaseCard
              plan={plan}
              phase={phase}
              position={position}
              chosenId={chosenId}
              onChoose={onChoose}
              moves={moves}
              drag={drag}
            />
          </li>
        ))}
      </ol>
    </>
  );
}
