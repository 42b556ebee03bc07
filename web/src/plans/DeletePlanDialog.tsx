import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";

import { explain } from "@/api/errors";
import { deletePlan, planKeys } from "@/services/plans";
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
      queries.removeQueries({ queryKey: planKeys.one(plan.id) });
      toast.ok("Plan deleted");
    },
    onError: (error) => toast.error("Could not delete the plan", explain(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: planKeys.lists() }),
  });
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Delete “${plan.title}”?`}
      confirm="Delete plan"
      busy={deletion.isPending}
      onConfirm={() => deletion.mutate()}
    >
      This also deletes its history and task logs. Existing commits stay in the repository.
    </ConfirmDialog>
  );
}
