import {
  ChevronRight,
  Ellipsis,
  ListChecks,
  MessageSquareText,
  PanelRight,
  Plus,
  Sparkles,
  Trash2,
} from "lucide-react";
import type { CSSProperties } from "react";
import { useNavigate } from "react-router";

import type { Selection } from "@/cards/useSelection";
import type { RunPreset } from "@/start-run/StartRunDialog";
import { IconButton } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import { number, plural } from "@/ui/format";
import { MockMark } from "@/ui/MadeBy";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";

import type { NewItemParent } from "./AddDialog";
import s from "./Backlog.module.css";
import { EffortBadge, PriorityBadge } from "./badges";
import { newPlanPath } from "./planLinks";
import { codePath, type BacklogNode, type Root, type Row } from "./tree";
import { useDelete } from "./useDelete";

type Props = {
  row: Extract<Row, BacklogNode>;
  root: Root;
  /** Only for the list of stories. */
  selection: Selection | null;
  onToggle: (id: string) => void;
  onShow: (node: BacklogNode) => void;
  onAdd: (adding: NewItemParent) => void;
  onRun: (preset: RunPreset) => void;
};

export function BacklogRow({ row, root, selection, onToggle, onShow, ...actions }: Props) {
  const { item, kind, depth, expanded } = row;
  const code = depth === 0 && root !== "epics" ? codePath(item.id) : item.code;
  return (
    <div
      className={`${s.row} ${kind === "epic" ? s.epic : ""} ${depth > 0 ? s.nested : ""}`}
      style={{ "--depth": depth } as CSSProperties}
      data-chosen={selection?.has(item.id) || undefined}
    >
      {selection && depth === 0 && (
        <Checkbox
          label={`Select ${code} ${item.title}`}
          checked={selection.has(item.id)}
          onCheckedChange={(on) => selection.set(item.id, on)}
        />
      )}
      {expanded === null ? (
        <span className={s.leaf} />
      ) : (
        <button
          type="button"
          className={s.toggle}
          aria-expanded={expanded}
          aria-label={`${kind === "epic" ? "Stories" : "Subtasks"} of ${item.code} ${item.title}`}
          onClick={() => onToggle(item.id)}
        >
          <ChevronRight size={16} aria-hidden />
        </button>
      )}
      <span className={s.code}>{code}</span>
      <button type="button" className={s.what} onClick={() => onShow(row)}>
        <span className={s.title}>{item.title}</span>
      </button>
      <span className={s.marks}>
        <MockMark madeBy={item.madeBy} />
        {kind !== "subtask" && <CardCount count={row.item.cardIds.length} />}
        {kind !== "epic" && <EffortBadge effort={row.item.effort} />}
        {kind !== "subtask" && (
          <span className={s.priority}>
            <PriorityBadge priority={row.item.priority} />
          </span>
        )}
        <RowMenu node={row} onShow={onShow} {...actions} />
      </span>
    </div>
  );
}

function CardCount({ count }: { count: number }) {
  return (
    <span className={s.cards} title={plural(count, "source card")}>
      <MessageSquareText size={13} aria-hidden /> {number(count)}
      <span className="visually-hidden"> source cards</span>
    </span>
  );
}

type MenuProps = Pick<Props, "onShow" | "onAdd" | "onRun"> & { node: BacklogNode };

function RowMenu({ node, onShow, onAdd, onRun }: MenuProps) {
  const { id, code, title } = node.item;
  const remove = useDelete(node);
  const navigate = useNavigate();
  return (
    <>
      <Menu trigger={<IconButton label={`Actions for ${code} ${title}`} icon={Ellipsis} size="s" />}>
        <MenuItem icon={PanelRight} onSelect={() => onShow(node)}>
          Open
        </MenuItem>
        {node.kind === "epic" && (
          <>
            <MenuItem icon={Sparkles} onSelect={() => onRun({ type: "GENERATE_STORIES", epicId: id })}>
              Generate stories
            </MenuItem>
            <MenuItem icon={Sparkles} onSelect={() => onRun({ type: "GENERATE_SUBTASKS", epicId: id })}>
              Generate subtasks
            </MenuItem>
            <MenuItem icon={Plus} onSelect={() => onAdd({ kind: "story", parentId: id })}>
              Add story
            </MenuItem>
          </>
        )}
        {node.kind === "story" && (
          <>
            <MenuItem icon={Sparkles} onSelect={() => onRun({ type: "GENERATE_SUBTASKS", chosen: [id] })}>
              Generate subtasks
            </MenuItem>
            <MenuItem icon={Plus} onSelect={() => onAdd({ kind: "subtask", parentId: id })}>
              Add subtask
            </MenuItem>
            <MenuItem icon={ListChecks} onSelect={() => void navigate(newPlanPath([id]))}>
              Create plan
            </MenuItem>
          </>
        )}
        <MenuSeparator />
        <MenuItem icon={Trash2} danger onSelect={remove.ask}>
          Delete
        </MenuItem>
      </Menu>
      {remove.dialog}
    </>
  );
}
