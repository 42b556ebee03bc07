import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError, explain } from "@/api/errors";
import { isFreelyEditable, type Iteration, type Plan } from "@/plans/model";
import { compatibleSelection, type Selection, withoutStale, toggled } from "@/plans/suggestions";
import { applySuggestions, planKeys } from "@/services/plans";
import { Button } from "@/ui/Button";
import { plural } from "@/ui/format";
import { toast } from "@/ui/toast";

import s from "./Reviews.module.css";
import { SuggestionCard } from "./SuggestionCard";

type Props = { plan: Plan; iteration: Iteration; applied: ReadonlySet<number> };

/** Suggestions of a review. The selected ones are applied together or not at all. */
export function Suggestions({ plan, iteration, applied }: Props) {
  const { suggestions } = iteration;
  const [ticked, setTicked] = useState<Selection>(new Set());
  // deselect suggestions that became stale
  const chosen = withoutStale(suggestions, ticked);
  const applying = useApplying(plan.id, iteration.id, () => setTicked(new Set()));
  const isEditable = isFreelyEditable(plan.status);
  const fresh = suggestions.filter(({ stale }) => !stale);
  return (
    <>
      <ol className={s.suggestions}>
        {suggestions.map((suggestion) => (
          <SuggestionCard
            key={suggestion.index}
            plan={plan}
            suggestion={suggestion}
            suggestions={suggestions}
            chosen={chosen}
            isApplied={applied.has(suggestion.index) && suggestion.stale === true}
            isFrozen={!isEditable || applying.isPending}
            onToggle={() => setTicked(toggled(suggestions, chosen, suggestion.index))}
          />
        ))}
      </ol>
      {isEditable && (
        <div className={s.bar}>
          <p role="status">
            {applying.error && isStale(applying.error)
              ? "Nothing was applied: the plan has changed. Outdated suggestions are deselected. Apply the rest?"
              : fresh.length === 0
                ? "All suggestions are applied or outdated."
                : `${chosen.size} of ${plural(fresh.length, "suggestion")} selected`}
          </p>
          <Button disabled={fresh.length === 0} onClick={() => setTicked(compatibleSelection(suggestions))}>
            Select all compatible
          </Button>
          <Button
            variant="primary"
            busy={applying.isPending}
            disabled={chosen.size === 0 || applying.isPending}
            onClick={() => applying.mutate(chosen)}
          >
            Apply {chosen.size > 0 ? chosen.size : ""}
          </Button>
        </div>
      )}
    </>
  );
}

function isStale(error: unknown): boolean {
  return error instanceof ApiError && error.code === "STALE_SUGGESTION";
}

function useApplying(planId: string, iterationId: string, onApplied: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (chosen: Selection) => applySuggestions(planId, iterationId, chosen),
    onSuccess: (_, chosen) => {
      toast.ok(`${plural(chosen.size, "suggestion")} applied`, "You can undo this in the history.");
      onApplied();
    },
    onError: (error) => {
      if (!isStale(error)) toast.error("Nothing was applied", explain(error));
    },
    onSettled: async () => {
      void queries.invalidateQueries({ queryKey: planKeys.lists() });
      await queries.invalidateQueries({ queryKey: planKeys.one(planId) });
    },
  });
}
