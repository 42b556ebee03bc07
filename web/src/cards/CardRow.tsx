import { memo } from "react";

import { codePath } from "@/backlog/tree";
import type { Card } from "@/services/cards";
import { Checkbox } from "@/ui/Checkbox";

import s from "./Cards.module.css";
import { AnalysisBadges } from "./badges";

type Props = {
  card: Card;
  chosen: boolean;
  onChoose: (id: string, chosen: boolean) => void;
  onShow: (card: Card) => void;
};

export const CardRow = memo(function CardRow({ card, chosen, onChoose, onShow }: Props) {
  const code = codePath(card.id);
  return (
    <div className={s.row} data-chosen={chosen || undefined}>
      <span className={s.check}>
        <Checkbox label={`Select ${code}`} checked={chosen} onCheckedChange={(on) => onChoose(card.id, on)} />
      </span>
      <div className={s.what}>
        <button type="button" className={s.text} onClick={() => onShow(card)}>
          {card.text}
        </button>
        <div className={s.foot}>
          <span>{code}</span>
          {card.source && <span>{card.source}</span>}
          {card.analysis ? (
            <>
              <span className={s.theme}>{card.analysis.theme}</span>
              <AnalysisBadges analysis={card.analysis} />
            </>
          ) : (
            <span>Not analyzed yet</span>
          )}
        </div>
      </div>
    </div>
  );
});
