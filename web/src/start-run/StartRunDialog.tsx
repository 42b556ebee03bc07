import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useMemo, useState } from "react";
import { Link, useNavigate } from "react-router";

import { ApiError, explain } from "@/api/errors";
import { runTypeLabels } from "@/runs/labels";
import type { Project } from "@/services/projects";
import { type BacklogRunType, runKeys, type RunRequest, startRun } from "@/services/runs";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Notice } from "@/ui/Notice";

import { EstimatePanel } from "./EstimatePanel";
import { OptionFields } from "./OptionFields";
import { type RunDraft, emptyDraft, draftError, toRunRequest } from "./request";
import { ScopeField } from "./ScopeField";
import s from "./Starting.module.css";

/** Type of run with an optional preselection. */
export type RunPreset = { type: BacklogRunType; chosen?: readonly string[]; epicId?: string };
type Props = { project: Project; preset: RunPreset | null; onClose: () => void };

export function StartRunDialog({ project, preset, onClose }: Props) {
  return preset && <OpenDialog key={preset.type} project={project} preset={preset} onClose={onClose} />;
}

function OpenDialog({
  project,
  preset,
  onClose,
}: {
  project: Project;
  preset: RunPreset;
  onClose: () => void;
}) {
  const { type } = preset;
  const [draft, setDraft] = useState<RunDraft>(() => emptyDraft(preset.chosen ?? [], preset.epicId ?? null));
  const change = (part: Partial<RunDraft>) => setDraft((before) => ({ ...before, ...part }));
  const request = useMemo(() => toRunRequest(type, draft), [type, draft]);
  const problem = draftError(draft);
  const start = useStart(project.id, onClose);
  const footer = (
    <>
      {problem && <span className={s.problem}>{problem}</span>}
      <Button onClick={onClose}>Cancel</Button>
      <Button
        variant="primary"
        icon={Play}
        busy={start.isPending}
        disabled={problem !== null}
        onClick={() => start.mutate(request)}
      >
        Start run
      </Button>
    </>
  );
  return (
    <Dialog
      open
      onOpenChange={onClose}
      size="l"
      title={runTypeLabels(type).title}
      description={DESCRIPTIONS[type]}
      footer={footer}
    >
      <div className={s.form}>
        {start.error && <StartError error={start.error} projectId={project.id} type={type} />}
        <ScopeField project={project} type={type} draft={draft} onChange={change} />
        <OptionFields type={type} draft={draft} onChange={change} />
        <EstimatePanel project={project} request={request} enabled={problem === null} />
      </div>
    </Dialog>
  );
}

const DESCRIPTIONS: Record<BacklogRunType, string> = {
  ANALYZE_CARDS: "Claude summarizes each card and sets its theme, kind, severity and sentiment.",
  GENERATE_EPICS: "Claude groups analyzed cards by need and proposes epics.",
  GENERATE_STORIES: "Claude writes user stories with acceptance criteria for each epic.",
  GENERATE_SUBTASKS: "Claude splits each story into subtasks.",
};

function StartError({ error, projectId, type }: { error: unknown; projectId: string; type: BacklogRunType }) {
  const code = error instanceof ApiError ? error.code : null;
  const runId = error instanceof ApiError ? error.detail("runId") : null;
  if (code === "NOTHING_TO_DO") {
    return (
      <Notice tone="warning" title="Nothing to do">
        {type === "GENERATE_EPICS"
          ? "Every analyzed card already has an epic, or no card is analyzed yet. Analyze the cards first, or choose “Replace”."
          : "All items already have results. Choose “Replace” to generate them again."}
      </Notice>
    );
  }
  return (
    <Notice
      tone={runId ? "warning" : "error"}
      title={
        code === "RUN_ALREADY_ACTIVE" ? "A run of this type is already active" : "Could not start the run"
      }
      action={runId && <Link to={`/projects/${projectId}/runs/${runId}`}>View run</Link>}
    >
      {code === "RUN_ALREADY_ACTIVE" ? "A project can have one active run of each type." : explain(error)}
    </Notice>
  );
}

function useStart(projectId: string, onClose: () => void) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const keys = useState(() => new Map<string, string>())[0];
  return useMutation({
    // reuse the key of an identical request, so that a retry starts no second run
    mutationFn: (request: RunRequest) => startRun(projectId, request, keyOf(keys, JSON.stringify(request))),
    onSuccess: async ({ runId }) => {
      void queries.invalidateQueries({ queryKey: runKeys.ofProject(projectId) });
      onClose();
      await navigate(`/projects/${projectId}/runs/${runId}`);
    },
  });
}

function keyOf(keys: Map<string, string>, request: string): string {
  const key = keys.get(request) ?? crypto.randomUUID();
  keys.set(request, key);
  return key;
}
