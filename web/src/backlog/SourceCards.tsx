import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { ApiError } from "@/api/errors";
import { AnalysisBadges } from "@/cards/badges";
import { cardQuery } from "@/services/cards";
import { Button } from "@/ui/Button";
import { number } from "@/ui/format";
import { Skeleton } from "@/ui/Skeleton";

import s from "./DetailPanel.module.css";
import { codePath } from "./tree";

const AT_ONCE = 8;

/** Source cards with their full text. */
export function SourceCards({ ids }: { ids: string[] }) {
  const [shown, setShown] = useState(AT_ONCE);
  return (
    <section>
      <h3 className={s.label}>Source cards ({number(ids.length)})</h3>
      {ids.length === 0 && (
        <p className="muted">None. This item was added manually, or its cards were deleted.</p>
      )}
      <ul className={s.cards}>
        {ids.slice(0, shown).map((id) => (
          <li key={id} className={s.card}>
            <SourceCard id={id} />
          </li>
        ))}
      </ul>
      {ids.length > shown && (
        <Button size="s" variant="ghost" onClick={() => setShown(shown + 3 * AT_ONCE)}>
          Show more ({number(ids.length - shown)} left)
        </Button>
      )}
    </section>
  );
}

function SourceCard({ id }: { id: string }) {
  const { data: card, error } = useQuery(cardQuery(id));
  if (error) {
    const gone = error instanceof ApiError && error.status === 404;
    return <p className="muted">{gone ? "This card was deleted." : "Could not load this card."}</p>;
  }
  if (!card) return <Skeleton lines={2} height={14} />;
  return (
    <>
      <p className={s.cardText}>{card.text}</p>
      <div className={s.cardFoot}>
        {codePath(card.id)}
        {card.source && <span>{card.source}</span>}
        {card.analysis && <AnalysisBadges analysis={card.analysis} />}
      </div>
    </>
  );
}
