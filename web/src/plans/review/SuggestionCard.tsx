import { CircleCheck } from "lucide-react";

import type { Plan, Suggestion } from "@/plans/model";
import { DiffTable } from "@/plans/DiffTable";
import { rowsOfSuggestion } from "@/plans/diffRows";
import { type Selection, describeOperation, blockedReason } from "@/plans/suggestions";
import { Checkbox } from "@/ui/Checkbox";
import { StatusBadge } from "@/ui/StatusBadge";

import s from "./Reviews.module.css";

type Props = {
  plan: Plan;
  suggestion: Suggestion;
  suggestions: readonly Suggestion[];
  chosen: Selection;
  isApplied: boolean;
  isFrozen: boolean;
  onToggle: () => void;
};

export function SuggestionCard({
  plan,
  suggestion,
  suggestions,
  chosen,
  isApplied,
  isFrozen,
  onToggle,
}: Props) {
  const { index, reason, operation, stale } = suggestion;
  const isChosen = chosen.has(index);
  const why = blockedReason(suggestions, chosen, index);
  return (
    <li className={[s.suggestion, isChosen && s.chosen, stale && s.stale].filter(Boolean).join(" ")}>
      <div className={s.head}>
        <div className={s.check}>
          <Checkbox checked={isChosen} disabled={isFrozen || why !== null} onCheckedChange={onToggle}>
            <span className={s.title}>
              {index + 1}. {describeOperation(plan, operation)}
            </span>
          </Checkbox>
        </div>
        {isApplied ? (
          <StatusBadge tone="green" icon={CircleCheck}>
            Applied
          </StatusBadge>
        ) : (
          stale && <StatusBadge tone="grey">Outdated</StatusBadge>
        )}
      </div>
      <p className={s.reason}>{reason}</p>
      {why && !isApplied && <p className={s.why}>{why}</p>}
      <DiffTable rows={rowsOfSuggestion(plan, suggestion)} />
    </li>
  );
}
