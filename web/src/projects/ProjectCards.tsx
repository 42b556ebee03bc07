import { Link } from "react-router";

import type { Project } from "@/services/projects";
import { ago, dateTime, number } from "@/ui/format";
import { Skeleton } from "@/ui/Skeleton";

import s from "./ProjectCards.module.css";
import { SECTIONS } from "./sections";

export function ProjectCards({ projects }: { projects: Project[] }) {
  return (
    <ul className={s.grid}>
      {projects.map((project) => (
        <li key={project.id} className={s.card}>
          <h2 className={s.name}>
            <Link to={`/projects/${project.id}`} className={s.link}>
              {project.name}
            </Link>
          </h2>
          <p className={s.description}>
            {project.description || <span className={s.none}>No description</span>}
          </p>
          <dl className={s.counts}>
            {SECTIONS.map(({ name, label, icon: Icon }) => (
              <div key={name} className={s.count}>
                <dt>
                  <Icon size={14} aria-hidden /> {label}
                </dt>
                <dd>{number(project.counts[name])}</dd>
              </div>
            ))}
          </dl>
          <p className={s.created}>
            Created{" "}
            <time dateTime={project.createdAt.toISOString()} title={dateTime(project.createdAt)}>
              {ago(project.createdAt)}
            </time>
          </p>
        </li>
      ))}
    </ul>
  );
}

export function ProjectCardsLoading() {
  return (
    <div className={s.grid}>
      {[1, 2, 3].map((key) => (
        <div key={key} className={s.card}>
          <Skeleton lines={4} height={22} />
        </div>
      ))}
    </div>
  );
}
