import { Hand } from "lucide-react";
import { Link, useLocation } from "react-router";

import type { Progress } from "@/plans/model";
import { plural } from "@/ui/format";

import { waitingForPerson } from "./attention";
import s from "./Attention.module.css";

/** On the other parts of a plan's page: that something waits for a person, and where. */
export function AttentionNote({ progress, planId }: { progress: Progress; planId: string }) {
  const { pathname } = useLocation();
  const to = `/plans/${planId}/execution`;
  const [first, ...others] = waitingForPerson(progress);
  if (!first || pathname === to) return null;
  return (
    <p className={s.note}>
      <Hand size={16} aria-hidden />
      <span>
        Waits for a person: {first.title}
        {others.length > 0 && `, and ${plural(others.length, "thing")} more`}
      </span>
      <Link to={to}>See to it</Link>
    </p>
  );
}
