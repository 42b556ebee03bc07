import type { ReactNode } from "react";

import s from "./Panel.module.css";

type Props = { title?: ReactNode; aside?: ReactNode; flush?: boolean; label?: string; children: ReactNode };

/** Raised surface with an optional heading; `flush` removes the padding for lists. */
export function Panel({ title, aside, flush = false, label, children }: Props) {
  return (
    <section className={s.panel} aria-label={label}>
      {title && (
        <header className={s.header}>
          <h2 className={s.title}>{title}</h2>
          {aside}
        </header>
      )}
      <div className={flush ? undefined : s.body}>{children}</div>
    </section>
  );
}
