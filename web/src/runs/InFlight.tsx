import { codePath } from "@/backlog/tree";
import { isActive, type Run, type RunItem } from "@/services/runs";
import { clock, number } from "@/ui/format";
import { Panel } from "@/ui/Panel";
import { useNow } from "@/ui/useNow";

import { ItemStatusBadge } from "./badges";
import s from "./InFlight.module.css";
import { isInFlight } from "./merge";

/** More would only flicker. */
const SHOWN = 12;

/** Items in progress. Keeps its height during the run to avoid layout shifts. */
export function InFlight({ run, items }: { run: Run; items: RunItem[] }) {
  const now = useNow(isActive(run));
  if (!isActive(run)) return null;
  const flying = items.filter(isInFlight);
  return (
    <Panel
      title="Currently processing"
      aside={<span className={s.count}>{number(run.activeItems)} in progress</span>}
    >
      <ul className={s.items}>
        {flying.slice(0, SHOWN).map((item) => (
          <li key={item.id} className={s.item}>
            <span className={s.dot} aria-hidden />
            <span className={s.code}>{item.targetId === null ? item.code : codePath(item.targetId)}</span>
            <span className={`${s.title} truncate`}>{item.title}</span>
            {item.status === "SAVING" && <ItemStatusBadge status={item.status} />}
            <span className={s.time}>{item.startedAt === null ? "" : clock(now - item.startedAt)}</span>
          </li>
        ))}
        {flying.length === 0 && (
          <li className={s.none}>
            {run.status === "QUEUED" ? "Waiting for a worker" : "No items in progress"}
          </li>
        )}
        {flying.length > SHOWN && <li className={s.none}>and {number(flying.length - SHOWN)} more</li>}
      </ul>
    </Panel>
  );
}
