import { ArrowDown, ArrowUp, ChevronsUp, Equal, type LucideIcon } from "lucide-react";

import type { Epic } from "@/services/epics";
import type { Story } from "@/services/stories";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

import s from "./badges.module.css";

type Priority = Epic["priority"];
type Effort = Story["effort"];

const PRIORITY_STYLES: Record<Priority, { tone: Tone; icon: LucideIcon; label: string }> = {
  critical: { tone: "red", icon: ChevronsUp, label: "Critical" },
  high: { tone: "amber", icon: ArrowUp, label: "High" },
  medium: { tone: "grey", icon: Equal, label: "Medium" },
  low: { tone: "grey", icon: ArrowDown, label: "Low" },
};

export const PRIORITIES = (Object.keys(PRIORITY_STYLES) as Priority[]).map((value) => ({
  value,
  label: PRIORITY_STYLES[value].label,
}));
export const EFFORTS = (["XS", "S", "M", "L", "XL"] as const).map((value) => ({ value, label: value }));

export function PriorityBadge({ priority }: { priority: Priority }) {
  const { tone, icon, label } = PRIORITY_STYLES[priority];
  return (
    <StatusBadge tone={tone} icon={icon}>
      {label}
    </StatusBadge>
  );
}

export function EffortBadge({ effort }: { effort: Effort }) {
  return (
    <span className={s.effort} title={`Effort ${effort}`}>
      <span className="visually-hidden">Effort </span>
      {effort}
    </span>
  );
}
