import { useQuery } from "@tanstack/react-query";
import { ArrowUpDown, CircleMinus, CirclePlus, type LucideIcon, PencilLine } from "lucide-react";

import type { Change, Plan } from "@/plans/model";
import { DiffTable } from "@/plans/DiffTable";
import { rowsOfChange } from "@/plans/diffRows";
import { repositoriesQuery } from "@/services/repositories";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

import s from "./History.module.css";

const KINDS: Record<string, { label: string; tone: Tone; icon: LucideIcon }> = {
  added: { label: "Added", tone: "green", icon: CirclePlus },
  removed: { label: "Removed", tone: "red", icon: CircleMinus },
  changed: { label: "Changed", tone: "blue", icon: PencilLine },
  moved: { label: "Moved", tone: "violet", icon: ArrowUpDown },
};

/** Changes between two versions. */
export function Changes({ plan, changes }: { plan: Plan; changes: Change[] }) {
  if (changes.length === 0) return <p className={s.none}>No differences.</p>;
  return (
    <ul className={s.changes}>
      {changes.map((change) => (
        <ChangeItem key={`${change.kind} ${change.id}`} plan={plan} change={change} />
      ))}
    </ul>
  );
}

function ChangeItem({ plan, change }: { plan: Plan; change: Change }) {
  const { label, tone, icon } = KINDS[change.kind] ?? {
    label: change.kind,
    tone: "grey" as const,
    icon: PencilLine,
  };
  const { data: repositories = [] } = useQuery(repositoriesQuery());
  const rows = rowsOfChange({ ...plan, repositories }, change);
  const isWhole = change.kind === "added" || change.kind === "removed";
  return (
    <li className={s.change}>
      <p className={s.changeHead}>
        <StatusBadge tone={tone} icon={icon}>
          {label}
        </StatusBadge>
        <strong>{change.title || plan.title}</strong>
      </p>
      {isWhole
        ? rows.map((row) => (
            <p key={row.name} className={s.whole}>
              {row.after ?? row.before}
            </p>
          ))
        : rows.length > 0 && <DiffTable rows={rows} />}
    </li>
  );
}
