import { CircleAlert, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import s from "./Notice.module.css";

type Tone = "info" | "warning" | "error";
const ICONS: Record<Tone, LucideIcon> = { info: Info, warning: TriangleAlert, error: CircleAlert };

/** Inline message. */
export function Notice({ tone, title, children, action }: NoticeProps) {
  const Icon = ICONS[tone];
  return (
    <div className={`${s.notice} ${s[tone]}`} role={tone === "error" ? "alert" : "note"}>
      <Icon size={17} aria-hidden />
      <div className={s.body}>
        {title && <p className={s.title}>{title}</p>}
        {children}
      </div>
      {action}
    </div>
  );
}

type NoticeProps = { tone: Tone; title?: string; children?: ReactNode; action?: ReactNode };
