import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowRight, Ban, RotateCcw } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";

import { ApiError, explain } from "@/api/errors";
import { cancelRun, isActive, retryRun, type Run, runKeys } from "@/services/runs";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { plural } from "@/ui/format";
import { toast } from "@/ui/toast";

import { resultCount, sectionOf } from "./labels";
import s from "./RunActions.module.css";

/** Actions for a run: cancel while active, retry failed items afterwards. */
export function RunActions({ run }: { run: Run }) {
  const retry = useRetry(run);
  if (isActive(run)) return <CancelButton run={run} />;
  return (
    <>
      {resultCount(run) > 0 && (
        <Link className={s.link} to={`/projects/${run.projectId ?? ""}?section=${sectionOf(run.type)}`}>
          View results <ArrowRight size={15} aria-hidden />
        </Link>
      )}
      {run.failedItems > 0 && (
        <Button variant="primary" icon={RotateCcw} busy={retry.isPending} onClick={() => retry.mutate()}>
          Retry {plural(run.failedItems, "failed item")}
        </Button>
      )}
    </>
  );
}

function CancelButton({ run }: { run: Run }) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const cancel = useMutation({
    mutationFn: () => cancelRun(run.runId),
    onError: (error) => toast.error("Could not cancel the run", explain(error)),
    onSettled: () => {
      setAsking(false);
      return queries.invalidateQueries({ queryKey: runKeys.view(run.runId) });
    },
  });
  return (
    <>
      <Button variant="danger" icon={Ban} busy={cancel.isPending} onClick={() => setAsking(true)}>
        Cancel run
      </Button>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Cancel this run?"
        confirm="Cancel run"
        dismiss="Keep running"
        busy={cancel.isPending}
        onConfirm={() => cancel.mutate()}
      >
        Completed items stay. Calls in flight finish, but their results are not saved.
      </ConfirmDialog>
    </>
  );
}

function useRetry(run: Run) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: () => retryRun(run.runId),
    onSuccess: async ({ runId }) => {
      void queries.invalidateQueries({ queryKey: runKeys.ofProject(run.projectId ?? "") });
      await navigate(`/projects/${run.projectId ?? ""}/runs/${runId}`);
    },
    onError: async (error) => {
      const other = error instanceof ApiError ? error.detail("runId") : null;
      if (other) await navigate(`/projects/${run.projectId ?? ""}/runs/${other}`);
      toast.error(
        other ? "A run of this type is already active" : "Could not retry the items",
        explain(error),
      );
    },
  });
}
