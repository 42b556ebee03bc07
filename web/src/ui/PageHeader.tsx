import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

import s from "./PageHeader.module.css";

type Crumb = { to: string; label: string };
type Props = { title: ReactNode; crumbs?: Crumb[]; badge?: ReactNode; lead?: ReactNode; actions?: ReactNode };

export function PageHeader({ title, crumbs = [], badge, lead, actions }: Props) {
  return (
    <div className={s.header}>
      {crumbs.length > 0 && (
        <nav aria-label="Breadcrumb">
          <ol className={s.crumbs}>
            {crumbs.map(({ to, label }) => (
              <li key={to}>
                <Link to={to}>{label}</Link>
                <ChevronRight size={14} aria-hidden />
              </li>
            ))}
          </ol>
        </nav>
      )}
      <div className={s.row}>
        <div className={s.titles}>
          <div className={s.title}>
            <h1>{title}</h1>
            {badge}
          </div>
          {lead && <p className={s.lead}>{lead}</p>}
        </div>
        {actions && <div className={s.actions}>{actions}</div>}
      </div>
    </div>
  );
}
