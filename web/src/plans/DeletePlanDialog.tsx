import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import { explain } from "@/api/errors";
import { deletePlan, planKey, plansKey } from "@/services/plans";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { toast } from "@/ui/toast";

import type { Plan } from "./model";

export function DeletePlanDialog({
  plan,
  onClose,
}: {
  plan: Pick<Plan, "id" | "title">;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const deletion = useMutation({
    mutationFn: () => deletePlan(plan.id),
    onSuccess: async () => {
      onClose();
      await navigate("/plans");
      queries.removeQueries({ queryKey: planKey(plan.id) });
      toast.ok("The plan is deleted");
    },
    onError: (error) => toast.error("The plan was not deleted", explain(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: plansKey() }),
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete “${plan.title}”?`}
      confirm="Delete the plan"
      busy={deletion.isPending}
      onConfirm={() => deletion.mutate()}
    >
      The plan goes with its whole history and the logs of its tasks. Commits that were made stay in the
      repository.
    </ConfirmDialog>
  );
}
