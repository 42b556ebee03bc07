import { Bug, CircleHelp, Frown, Heart, Lightbulb, type LucideIcon, Meh, Smile, Sparkle } from "lucide-react";

import type { Card } from "@/services/cards";
import { words } from "@/ui/format";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

import s from "./marks.module.css";

export type Analysis = NonNullable<Card["analysis"]>;

const KINDS: Record<Analysis["kind"], { tone: Tone; icon: LucideIcon }> = {
  bug: { tone: "red", icon: Bug },
  feature: { tone: "violet", icon: Lightbulb },
  experience: { tone: "blue", icon: Sparkle },
  praise: { tone: "green", icon: Heart },
  other: { tone: "grey", icon: CircleHelp },
};

const FACES: Record<Analysis["sentiment"], LucideIcon> = {
  positive: Smile,
  neutral: Meh,
  negative: Frown,
  mixed: Meh,
};

export const KIND_NAMES = Object.keys(KINDS) as Analysis["kind"][];
export const SEVERITIES: Analysis["severity"][] = ["critical", "high", "medium", "low"];
export const SENTIMENTS: Analysis["sentiment"][] = ["positive", "neutral", "negative", "mixed"];

/** What an analysis says, as small marks. */
export function AnalysisMarks({ analysis }: { analysis: Analysis }) {
  const Face = FACES[analysis.sentiment];
  return (
    <span className={s.marks}>
      <StatusBadge {...KINDS[analysis.kind]}>{words(analysis.kind)}</StatusBadge>
      <StatusBadge
        tone={analysis.severity === "critical" ? "red" : analysis.severity === "high" ? "amber" : "grey"}
      >
        {words(analysis.severity)}
      </StatusBadge>
      <span className={s.sentiment}>
        <Face size={14} aria-hidden /> {words(analysis.sentiment)}
      </span>
    </span>
  );
}
