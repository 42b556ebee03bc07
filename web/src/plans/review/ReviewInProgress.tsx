import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Sparkles } from "lucide-react";

import { explain } from "@/api/errors";
import { useNow } from "@/ui/useNow";
import { cancelGeneration, planKeys, generationRunQuery } from "@/services/plans";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { clock } from "@/ui/format";
import { toast } from "@/ui/toast";

/** Progress of a running review. */
export function ReviewInProgress({ planId, runId }: { planId: string; runId: string | null }) {
  const queries = useQueryClient();
  const run = useQuery(generationRunQuery(runId)).data;
  const now = useNow(run !== undefined);
  const stopping = useMutation({
    mutationFn: cancelGeneration,
    onError: (error) => toast.error("Could not stop the review", explain(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: planKeys.one(planId) }),
  });
  return (
    <div role="status">
      <EmptyState
        icon={Sparkles}
        title="Review in progress"
        {...(runId
          ? {
              action: (
                <Button busy={stopping.isPending} onClick={() => stopping.mutate(runId)}>
                  Stop review
                </Button>
              ),
            }
          : {})}
      >
        {run ? `Running for ${clock(now - Date.parse(run.createdAt))}. ` : ""}Suggestions appear here when the
        review is done.
      </EmptyState>
    </div>
  );
}
