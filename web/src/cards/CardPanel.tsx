import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";

import { explain } from "@/api/errors";
import { refreshCards } from "@/backlog/mutations";
import { codePath } from "@/backlog/tree";
import { type Card, cardKeys, type CardPatch, cardQuery, changeCard, deleteCard } from "@/services/cards";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Dialog } from "@/ui/Dialog";
import { EditableText } from "@/ui/EditableText";
import { MadeBy, originText } from "@/ui/MadeBy";
import { toast } from "@/ui/toast";

import s from "./Cards.module.css";
import { AnalysisBadges } from "./badges";

/** Details of a card with inline editing. */
export function CardPanel({ card, onClose }: { card: Card | null; onClose: () => void }) {
  return card && <OpenPanel key={card.id} shown={card} onClose={onClose} />;
}

function OpenPanel({ shown, onClose }: { shown: Card; onClose: () => void }) {
  const card = useQuery({ ...cardQuery(shown.id), placeholderData: shown }).data ?? shown;
  const [asking, setAsking] = useState(false);
  const { save, remove } = useChanges(card, onClose);
  const footer = (
    <>
      <Button variant="danger" icon={Trash2} onClick={() => setAsking(true)}>
        Delete
      </Button>
      <span style={{ flex: 1 }} />
      <Button onClick={onClose}>Close</Button>
    </>
  );
  return (
    <Dialog side open onOpenChange={onClose} title={`Card ${codePath(card.id)}`} footer={footer}>
      <div className={s.panel}>
        <EditableText
          multiline
          required
          label="text"
          maxLength={10_000}
          value={card.text}
          onSave={(text) => save({ text })}
        />
        <div>
          <p className={s.label}>Source</p>
          <EditableText
            label="Source"
            maxLength={200}
            value={card.source ?? ""}
            onSave={(text) => save({ source: text || null })}
          />
        </div>
        <AnalysisOf card={card} />
        <Facts card={card} />
      </div>
      <ConfirmDialog
        open={asking}
        onOpenChange={setAsking}
        title="Delete this card?"
        confirm="Delete card"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        Epics and stories based on it stay. This cannot be undone.
      </ConfirmDialog>
    </Dialog>
  );
}

function AnalysisOf({ card: { analysis } }: { card: Card }) {
  if (!analysis) return <p className="muted">Not analyzed yet.</p>;
  return (
    <section className={s.analysis}>
      <h3 className={s.label}>Analysis</h3>
      <p>{analysis.summary}</p>
      <AnalysisBadges analysis={analysis} />
      <dl className={s.facts}>
        <Fact name="Theme" value={analysis.theme} />
        <Fact name="Keywords" value={analysis.keywords.join(", ") || "none"} />
      </dl>
      <MadeBy madeBy={analysis.madeBy} />
    </section>
  );
}

function Facts({ card }: { card: Card }) {
  const metadata = Object.entries(card.metadata);
  return (
    <dl className={s.facts}>
      {card.madeBy && <Fact name="Origin" value={originText(card.madeBy) ?? ""} />}
      {card.externalId && <Fact name="External ID" value={card.externalId} />}
      {metadata.map(([name, value]) => (
        <Fact key={name} name={name} value={typeof value === "string" ? value : JSON.stringify(value)} />
      ))}
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div className={s.fact}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function useChanges(card: Card, onClose: () => void) {
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (patch: CardPatch) => changeCard(card.id, patch),
    onSuccess: (changed) => {
      queries.setQueryData(cardKeys.one(card.id), changed);
      return refreshCards(queries);
    },
    onError: (error) => toast.error("Could not save the change", explain(error)),
  });
  const remove = useMutation({
    mutationFn: () => deleteCard(card.id),
    onSuccess: () => {
      onClose();
      toast.ok("Card deleted");
      return refreshCards(queries);
    },
    onError: (error) => toast.error("Could not delete the card", explain(error)),
  });
  return { save: change.mutateAsync, remove };
}
