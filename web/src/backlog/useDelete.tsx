import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { explain } from "@/api/errors";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { toast } from "@/ui/toast";

import { refreshBacklog, remove } from "./mutations";
import type { BacklogNode } from "./tree";

const CONSEQUENCES = {
  epic: "This also deletes its stories and their subtasks. The cards stay.",
  story: "This also deletes its subtasks. The cards stay.",
  subtask: "This cannot be undone.",
} as const;

/** Delete after confirmation; a deletion cannot be undone. */
export function useDelete(node: BacklogNode, onDeleted?: () => void) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const { kind, item } = node;
  const deletion = useMutation({
    mutationFn: () => remove(node),
    onSuccess: async () => {
      setAsking(false);
      onDeleted?.();
      toast.ok(`${item.code} deleted`);
      await refreshBacklog(queries);
    },
    onError: (error) => toast.error(`Could not delete ${item.code}`, explain(error)),
  });
  const dialog = (
    <ConfirmDialog
      open={asking}
      onOpenChange={setAsking}
      title={`Delete ${item.code} “${item.title}”?`}
      confirm={`Delete ${kind}`}
      busy={deletion.isPending}
      onConfirm={() => deletion.mutate()}
    >
      {CONSEQUENCES[kind]}
    </ConfirmDialog>
  );
  return { ask: () => setAsking(true), dialog };
}
