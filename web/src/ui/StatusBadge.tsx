import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import s from "./StatusBadge.module.css";

export type Tone = "green" | "red" | "amber" | "blue" | "violet" | "grey";

type Props = { tone: Tone; icon?: LucideIcon; spinning?: boolean; children: ReactNode };

/** Status as color, text and icon. */
export function StatusBadge({ tone, icon: Icon, spinning = false, children }: Props) {
  return (
    <span className={`${s.badge} ${s[tone]}`}>
      {Icon && <Icon size={13} aria-hidden className={spinning ? s.spinning : undefined} />}
      {children}
    </span>
  );
}
