import { ListChecks, Sparkles } from "lucide-react";
import { useNavigate } from "react-router";

import type { Selection } from "@/cards/useSelection";
import type { RunPreset } from "@/start-run/StartRunDialog";
import { Button } from "@/ui/Button";
import { number } from "@/ui/format";

import s from "./Backlog.module.css";
import { MAX_STORIES_PER_PLAN, newPlanPath } from "./planLinks";

type Props = { selection: Selection; onRun: (preset: RunPreset) => void };

/** Actions for the selected stories. */
export function SelectedStories({ selection, onRun }: Props) {
  const navigate = useNavigate();
  const { ids } = selection;
  if (ids.length === 0) return null;
  const isTooMany = ids.length > MAX_STORIES_PER_PLAN;
  return (
    <div className={s.chosen} role="group" aria-label="Selected stories">
      <span role="status">{number(ids.length)} selected</span>
      {isTooMany && <span className={s.limit}>A plan can have at most {MAX_STORIES_PER_PLAN} stories.</span>}
      <span className={s.actions}>
        <Button
          size="s"
          icon={ListChecks}
          disabled={isTooMany}
          onClick={() => void navigate(newPlanPath(ids))}
        >
          Create plan
        </Button>
        <Button size="s" icon={Sparkles} onClick={() => onRun({ type: "GENERATE_SUBTASKS", chosen: ids })}>
          Generate subtasks
        </Button>
        <Button size="s" variant="ghost" onClick={selection.clear}>
          Clear
        </Button>
      </span>
    </div>
  );
}
