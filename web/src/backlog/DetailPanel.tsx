import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ListChecks, Trash2 } from "lucide-react";
import { useNavigate } from "react-router";

import { explain } from "@/api/errors";
import { epicQuery } from "@/services/epics";
import { storyQuery, type StoryWithPlans } from "@/services/stories";
import { subtaskQuery } from "@/services/subtasks";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { EditableText } from "@/ui/EditableText";
import { MadeBy } from "@/ui/MadeBy";
import { Select } from "@/ui/Select";
import { toast } from "@/ui/toast";

import { change, type Patch, refreshBacklog } from "./mutations";
import s from "./DetailPanel.module.css";
import { EFFORTS, PRIORITIES } from "./badges";
import { newPlanPath } from "./planLinks";
import { SourceCards } from "./SourceCards";
import { StoryPlans } from "./StoryPlans";
import { codePath, type BacklogNode } from "./tree";
import { useDelete } from "./useDelete";

const KIND = { epic: "Epic", story: "Story", subtask: "Subtask" } as const;

/** Details of an epic, story or subtask with inline editing. */
export function DetailPanel({ node, onClose }: { node: BacklogNode | null; onClose: () => void }) {
  return node && <OpenPanel key={node.item.id} shown={node} onClose={onClose} />;
}

function OpenPanel({ shown, onClose }: { shown: BacklogNode; onClose: () => void }) {
  const node = useFresh(shown);
  const save = useSave(node);
  const remove = useDelete(node, onClose);
  const navigate = useNavigate();
  const footer = (
    <>
      <Button variant="danger" icon={Trash2} onClick={remove.ask}>
        Delete
      </Button>
      <span style={{ flex: 1 }} />
      {node.kind === "story" && (
        <Button icon={ListChecks} onClick={() => void navigate(newPlanPath([node.item.id]))}>
          Create plan
        </Button>
      )}
      <Button onClick={onClose}>Close</Button>
    </>
  );
  return (
    <Dialog
      side
      open
      onOpenChange={onClose}
      title={`${KIND[node.kind]} ${codePath(node.item.id)}`}
      footer={footer}
    >
      <div className={s.fields}>
        <EditableText
          label="title"
          className={s.title}
          value={node.item.title}
          required
          maxLength={300}
          onSave={(title) => save({ title })}
        />
        <MadeBy madeBy={node.item.madeBy} />
        {node.kind === "epic" && <EpicFields node={node} save={save} />}
        {node.kind === "story" && <StoryFields node={node} save={save} />}
        {node.kind === "subtask" && <SubtaskFields node={node} save={save} />}
      </div>
      {remove.dialog}
    </Dialog>
  );
}

type Save = (patch: Patch) => Promise<unknown>;
type Fields<K extends BacklogNode["kind"]> = { node: Extract<BacklogNode, { kind: K }>; save: Save };

function EpicFields({ node: { item }, save }: Fields<"epic">) {
  return (
    <>
      <Row label="Priority">
        <PrioritySelect value={item.priority} save={save} />
      </Row>
      <Text label="Description" value={item.description} onSave={(description) => save({ description })} />
      <Text label="Goal" value={item.goal} onSave={(goal) => save({ goal })} />
      <SourceCards ids={item.cardIds} />
    </>
  );
}

function StoryFields({ node: { item }, save }: Fields<"story">) {
  const plans = (item as Partial<StoryWithPlans>).plans ?? [];
  return (
    <>
      <Row label="Priority">
        <PrioritySelect value={item.priority} save={save} />
      </Row>
      <Row label="Effort">
        <EffortSelect value={item.effort} save={save} />
      </Row>
      <Text label="As a" value={item.role} maxLength={300} onSave={(role) => save({ role })} />
      <Text label="I want" value={item.want} maxLength={1000} onSave={(want) => save({ want })} />
      <Text label="so that" value={item.benefit} maxLength={1000} onSave={(benefit) => save({ benefit })} />
      <Text
        label="Acceptance criteria"
        hint="one per line"
        value={item.acceptanceCriteria.join("\n")}
        onSave={(text) => save({ acceptanceCriteria: linesOf(text) })}
      />
      <StoryPlans plans={plans} />
      <SourceCards ids={item.cardIds} />
    </>
  );
}

function SubtaskFields({ node: { item }, save }: Fields<"subtask">) {
  return (
    <>
      <Row label="Effort">
        <EffortSelect value={item.effort} save={save} />
      </Row>
      <Text label="Description" value={item.description} onSave={(description) => save({ description })} />
    </>
  );
}

function Row({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div className={s.row}>
      <span className={s.label}>{label}</span>
      {children}
    </div>
  );
}

type TextProps = {
  label: string;
  hint?: string;
  value: string;
  maxLength?: number;
  onSave: (value: string) => Promise<unknown>;
};

function Text({ label, hint, value, maxLength = 5000, onSave }: TextProps) {
  return (
    <div>
      <p className={s.label}>
        {label} {hint && <span className={s.hint}>{hint}</span>}
      </p>
      <EditableText multiline label={label} value={value} maxLength={maxLength} onSave={onSave} />
    </div>
  );
}

function PrioritySelect({ value, save }: { value: string; save: Save }) {
  const choose = (chosen: string) => {
    const priority = PRIORITIES.find((one) => one.value === chosen)?.value;
    if (priority) save({ priority }).catch(() => undefined);
  };
  return <Select size="s" label="Priority" value={value} onValueChange={choose} options={PRIORITIES} />;
}

function EffortSelect({ value, save }: { value: string; save: Save }) {
  const choose = (chosen: string) => {
    const effort = EFFORTS.find((one) => one.value === chosen)?.value;
    if (effort) save({ effort }).catch(() => undefined);
  };
  return <Select size="s" label="Effort" value={value} onValueChange={choose} options={EFFORTS} />;
}

/** Fresh item from the server; falls back to the list's copy while loading. */
function useFresh(shown: BacklogNode): BacklogNode {
  const { kind, item } = shown;
  const epic = useQuery({ ...epicQuery(item.id), enabled: kind === "epic" }).data;
  const story = useQuery({ ...storyQuery(item.id), enabled: kind === "story" }).data;
  const subtask = useQuery({ ...subtaskQuery(item.id), enabled: kind === "subtask" }).data;
  if (epic) return { kind: "epic", item: epic };
  if (story) return { kind: "story", item: story };
  return subtask ? { kind: "subtask", item: subtask } : shown;
}

function useSave(node: BacklogNode): Save {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (patch: Patch) => change(node, patch),
    onSuccess: () => refreshBacklog(queries),
    onError: (error) => toast.error("Could not save the change", explain(error)),
  }).mutateAsync;
}

const linesOf = (text: string) =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
