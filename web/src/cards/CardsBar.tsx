import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Sparkles, Trash2 } from "lucide-react";
import { useState } from "react";

import { explain } from "@/api/errors";
import { refreshCards } from "@/backlog/mutations";
import { type Card, deleteCard } from "@/services/cards";
import type { RunPreset } from "@/start-run/StartRunDialog";
import { Button } from "@/ui/Button";
import { Checkbox } from "@/ui/Checkbox";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { number, plural, humanize } from "@/ui/format";
import { SearchField } from "@/ui/SearchField";
import { Select } from "@/ui/Select";
import { toast } from "@/ui/toast";

import s from "./Cards.module.css";
import { ANY, NOT_ANALYZED, type CardFilter } from "./filter";
import { KIND_NAMES, SENTIMENTS, SEVERITIES } from "./badges";
import type { Selection } from "./useSelection";

type Props = {
  filter: CardFilter;
  onFilter: (filter: CardFilter) => void;
  status: string;
  selection: Selection;
  shown: Card[];
  onRun: (preset: RunPreset) => void;
};

export function CardsBar({ filter, onFilter, status, selection, shown, onRun }: Props) {
  return (
    <div className={s.bar}>
      <div className={s.filters}>
        <SearchField
          label="Search cards"
          value={filter.text}
          onChange={(text) => onFilter({ ...filter, text })}
        />
        <Select
          label="Kind"
          value={filter.kind}
          onValueChange={(kind) => onFilter({ ...filter, kind })}
          options={[...anyOf("kind", KIND_NAMES), { value: NOT_ANALYZED, label: "Not analyzed" }]}
        />
        <Select
          label="Severity"
          value={filter.severity}
          onValueChange={(severity) => onFilter({ ...filter, severity })}
          options={anyOf("severity", SEVERITIES)}
        />
        <Select
          label="Sentiment"
          value={filter.sentiment}
          onValueChange={(sentiment) => onFilter({ ...filter, sentiment })}
          options={anyOf("sentiment", SENTIMENTS)}
        />
      </div>
      <SelectionBar selection={selection} shown={shown} status={status} onRun={onRun} />
    </div>
  );
}

function SelectionBar({
  selection,
  shown,
  status,
  onRun,
}: Pick<Props, "selection" | "shown" | "status" | "onRun">) {
  const [deleting, setDeleting] = useState(false);
  const selectedCount = shown.filter((card) => selection.has(card.id)).length;
  const all = selectedCount > 0 && selectedCount === shown.length;
  const { ids } = selection;
  return (
    <div className={s.chosen}>
      <Checkbox
        checked={all ? true : selectedCount > 0 ? "indeterminate" : false}
        onCheckedChange={(on) =>
          selection.setAll(
            shown.map((card) => card.id),
            on,
          )
        }
      >
        {ids.length > 0 ? `${number(ids.length)} selected` : "Select all"}
      </Checkbox>
      <span role="status" className={s.status}>
        {status}
      </span>
      {ids.length > 0 && (
        <div className={s.actions}>
          <Button size="s" icon={Sparkles} onClick={() => onRun({ type: "ANALYZE_CARDS", chosen: ids })}>
            Analyze
          </Button>
          <Button size="s" icon={Sparkles} onClick={() => onRun({ type: "GENERATE_EPICS", chosen: ids })}>
            Generate epics
          </Button>
          <Button size="s" variant="danger" icon={Trash2} onClick={() => setDeleting(true)}>
            Delete
          </Button>
          <Button size="s" variant="ghost" onClick={selection.clear}>
            Clear
          </Button>
        </div>
      )}
      <DeleteSelected open={deleting} onOpenChange={setDeleting} selection={selection} />
    </div>
  );
}

type DeleteProps = { open: boolean; onOpenChange: (open: boolean) => void; selection: Selection };

function DeleteSelected({ open, onOpenChange, selection }: DeleteProps) {
  const queries = useQueryClient();
  const { ids } = selection;
  const remove = useMutation({
    mutationFn: async () => {
      // sequential, so that the cards left after a failure stay selected
      for (const id of ids) {
        await deleteCard(id);
        selection.set(id, false);
      }
    },
    onSuccess: () => toast.ok(`${plural(ids.length, "card")} deleted`),
    onError: (error) => toast.error("Could not delete all cards", explain(error)),
    onSettled: () => {
      onOpenChange(false);
      return refreshCards(queries);
    },
  });
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete ${plural(ids.length, "card")}?`}
      confirm={`Delete ${plural(ids.length, "card")}`}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      Epics and stories based on them stay. This cannot be undone.
    </ConfirmDialog>
  );
}

const anyOf = (name: string, values: readonly string[]) => [
  { value: ANY, label: `Any ${name}` },
  ...values.map((value) => ({ value, label: humanize(value) })),
];
