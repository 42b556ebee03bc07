import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { flatten } from "@/api/pages";
import { runTypeLabels } from "@/runs/labels";
import { epicsQuery } from "@/services/epics";
import type { Project } from "@/services/projects";
import type { BacklogRunType } from "@/services/runs";
import { number } from "@/ui/format";
import { type Choice, RadioCards } from "@/ui/RadioCards";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";
import { useAllPages } from "@/ui/useAllPages";

import { ItemPicker } from "./ItemPicker";
import { type RunDraft, supportsEpicScope, type Scope } from "./request";

type Props = {
  project: Project;
  type: BacklogRunType;
  draft: RunDraft;
  onChange: (part: Partial<RunDraft>) => void;
};

/** All, one epic, or chosen items. */
export function ScopeField({ project, type, draft, onChange }: Props) {
  const [, many] = runTypeLabels(type).source;
  const total = project.counts[runTypeLabels(type).section];
  const choices: Choice<Scope>[] = [
    { value: "all", label: `All ${many}`, hint: number(total) },
    ...(supportsEpicScope(type)
      ? [{ value: "epic" as const, label: "One epic", hint: "Only items of this epic" }]
      : []),
    {
      value: "chosen",
      label: `Selected ${many}`,
      hint: draft.chosen.length ? `${number(draft.chosen.length)} selected` : "Select below",
    },
  ];
  return (
    <>
      <RadioCards
        label="Scope"
        value={draft.scope}
        onValueChange={(scope) => onChange({ scope })}
        choices={choices}
      />
      {draft.scope === "epic" && (
        <EpicSelect projectId={project.id} value={draft.epicId} onChange={(epicId) => onChange({ epicId })} />
      )}
      {draft.scope === "chosen" && (
        <ItemPicker
          projectId={project.id}
          type={type}
          chosen={draft.chosen}
          onChange={(chosen) => onChange({ chosen })}
        />
      )}
    </>
  );
}

type EpicProps = { projectId: string; value: string | null; onChange: (id: string) => void };

function EpicSelect({ projectId, value, onChange }: EpicProps) {
  const query = useInfiniteQuery(epicsQuery(projectId));
  useAllPages(query);
  const { data } = query;
  const epics = flatten(data);
  const first = epics[0]?.id;
  useEffect(() => {
    if (value === null && first) onChange(first);
  }, [value, first, onChange]);
  if (!data) return <Skeleton lines={1} height={36} />;
  return (
    <Select
      label="Epic"
      value={value ?? ""}
      onValueChange={onChange}
      options={epics.map((epic) => ({ value: epic.id, label: `${epic.code} ${epic.title}` }))}
    />
  );
}
