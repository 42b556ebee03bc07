import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import s from "./EmptyState.module.css";

type Props = {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  compact?: boolean;
  /** Replaces a whole page; uses an h1. */
  isPage?: boolean;
};

/** Placeholder for an empty list, with a next action. */
export function EmptyState({ icon: Icon, title, children, action, compact = false, isPage }: Props) {
  const Heading = isPage ? "h1" : "h2";
  return (
    <div className={`${s.empty} ${compact ? s.compact : ""}`}>
      <span className={s.icon}>
        <Icon size={22} aria-hidden />
      </span>
      <Heading className={s.title}>{title}</Heading>
      {children && <p className={s.text}>{children}</p>}
      {action && <div className={s.action}>{action}</div>}
    </div>
  );
}
