import type { PreviewCard } from "@/services/cards";
import { dateTime } from "@/ui/format";

import s from "./Import.module.css";

/** Preview of the first cards, as they will be stored. */
export function FirstCards({ cards }: { cards: PreviewCard[] }) {
  const has = (field: "source" | "externalId" | "postedAt") => cards.some((card) => card[field]);
  return (
    <section>
      <h3 className={s.subtitle}>First cards</h3>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={s.tableBox} role="region" aria-label="First cards" tabIndex={0}>
        <table className={s.table}>
          <thead>
            <tr>
              <th scope="col">Text</th>
              {has("source") && <th scope="col">Source</th>}
              {has("externalId") && <th scope="col">External id</th>}
              {has("postedAt") && <th scope="col">Time</th>}
            </tr>
          </thead>
          <tbody>
            {cards.map((card, index) => (
              <tr key={index}>
                <td className={s.text}>{card.text}</td>
                {has("source") && <td>{card.source}</td>}
                {has("externalId") && <td>{card.externalId}</td>}
                {has("postedAt") && <td>{card.postedAt && dateTime(new Date(card.postedAt))}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
