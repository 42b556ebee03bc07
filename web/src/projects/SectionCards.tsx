import { useQuery } from "@tanstack/react-query";
import { FileUp, History } from "lucide-react";
import { Link } from "react-router";

import { importsQuery } from "@/services/imports";
import type { Project } from "@/services/projects";
import { runsQuery } from "@/services/runs";
import { number } from "@/ui/format";

import s from "./SectionCards.module.css";
import { SECTIONS } from "./sections";

export const VIEWS = ["cards", "epics", "stories", "subtasks", "imports", "runs"] as const;
export type View = (typeof VIEWS)[number];

/** Counts as links to their sections. */
export function SectionCards({ project, view }: { project: Project; view: View }) {
  const imports = useQuery(importsQuery(project.id)).data;
  const runs = useQuery(runsQuery(project.id)).data;
  const all = [
    ...SECTIONS.map(({ name, label, icon }) => ({ name, label, icon, count: number(project.counts[name]) })),
    { name: "imports", label: "Imports", icon: FileUp, count: countOf(imports) },
    { name: "runs", label: "Runs", icon: History, count: countOf(runs) },
  ];
  return (
    <nav aria-label="Project sections">
      <ul className={s.cards}>
        {all.map(({ name, label, icon: Icon, count }) => (
          <li key={name}>
            <Link
              to={`?section=${name}`}
              replace
              preventScrollReset
              className={s.card}
              aria-current={view === name ? "page" : undefined}
            >
              <span className={s.label}>
                <Icon size={15} aria-hidden /> {label}
              </span>{" "}
              <span className={s.count}>{count}</span>
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Only the first page is loaded. */
function countOf(list: unknown[] | undefined): string {
  return list ? `${list.length}${list.length === 200 ? "+" : ""}` : "–";
}
