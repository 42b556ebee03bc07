import { Hand } from "lucide-react";
import { Link, useLocation } from "react-router";

import type { Progress } from "@/plans/model";

import { attentionItems } from "./attention";
import s from "./Attention.module.css";

/** Link to pending decisions, on the other tabs of a plan. */
export function AttentionBanner({ progress, planId }: { progress: Progress; planId: string }) {
  const { pathname } = useLocation();
  const to = `/plans/${planId}/execution`;
  const [first, ...others] = attentionItems(progress);
  if (!first || pathname === to) return null;
  return (
    <p className={s.note}>
      <Hand size={16} aria-hidden />
      <span>
        Needs attention: {first.title}
        {others.length > 0 && ` and ${others.length} more`}
      </span>
      <Link to={to}>View</Link>
    </p>
  );
}
