import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useId, useState } from "react";

import { explain } from "@/api/errors";
import { baselineKey, type Checks, startBaseline, type SuggestedCommands } from "@/services/checks";
import { changeRepository, type Repository, repositoryKeys } from "@/services/repositories";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";

import { BaselineView } from "./BaselineView";
import s from "./ChecksDialog.module.css";
import { ChecksFields } from "./ChecksFields";
import { checksOf, envProblem, errorAt, formOf, isElsewhere, isEqual } from "./checksForm";

/** Checks of a repository: settings, and the last baseline. */
export function ChecksDialog({ repository, onClose }: { repository: Repository; onClose: () => void }) {
  const id = useId();
  const [form, setForm] = useState(() => formOf(repository.checks));
  // empty lines and spaces are no change
  const isChanged = !isEqual(formOf(checksOf(form)), formOf(repository.checks));
  const { save, run } = useChecks(repository);
  const problem = envProblem(form.env);
  const checks = () => checksOf(form);
  const apply = ({ setup, verify }: SuggestedCommands) =>
    setForm({ ...form, setup: setup.join("\n"), verify: verify.join("\n") });
  const error = save.error ?? run.error;
  const errorOf = (field: keyof Checks) => (field === "env" ? problem : null) ?? errorAt(error, field, form);
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={`Checks of ${repository.name}`}
      description="Commands that prove a change. They run in a sandbox before a change lands."
      size="xl"
      footer={
        <>
          <Button onClick={onClose}>Close</Button>
          <Button
            type="submit"
            form={id}
            variant="primary"
            busy={save.isPending}
            disabled={!isChanged || problem !== null || save.isPending}
          >
            Save
          </Button>
        </>
      }
    >
      <div className={s.columns}>
        <form
          id={id}
          className={s.form}
          aria-label="Check settings"
          onSubmit={(event) => {
            event.preventDefault();
            run.reset();
            save.mutate(checks());
          }}
        >
          <ChecksFields form={form} onChange={setForm} errorOf={errorOf} />
          {error && isElsewhere(error) && <Notice tone="error">{explain(error)}</Notice>}
        </form>
        <BaselineView
          repository={repository}
          onUse={apply}
          isUsed={({ setup, verify }) => {
            const { setup: mySetup, verify: myVerify } = checks() ?? { setup: [], verify: [] };
            return isEqual([setup, verify], [mySetup, myVerify]);
          }}
          action={
            <Button
              icon={Play}
              busy={run.isPending}
              disabled={run.isPending || problem !== null}
              onClick={() => {
                save.reset();
                run.mutate(isChanged ? { checks: checks() } : {});
              }}
            >
              {isChanged ? "Save and run baseline" : "Run baseline"}
            </Button>
          }
        />
      </div>
    </Dialog>
  );
}

/** Save the checks, and start a baseline, with changed settings saved first. */
function useChecks({ id }: Repository) {
  const queries = useQueryClient();
  const saved = () => queries.invalidateQueries({ queryKey: repositoryKeys.all });
  const save = useMutation({
    mutationFn: (checks: Checks | null) => changeRepository(id, { checks }),
    onSuccess: () => toast.ok("Checks saved"),
    onSettled: saved,
  });
  const run = useMutation({
    mutationFn: async (changed: { checks?: Checks | null }) => {
      if (changed.checks !== undefined) {
        await changeRepository(id, { checks: changed.checks });
        await saved();
      }
      return startBaseline(id);
    },
    onSuccess: (baseline) => queries.setQueryData(baselineKey(id), baseline),
  });
  return { save, run };
}
