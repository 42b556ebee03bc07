import { Bug, CircleHelp, Frown, Heart, Lightbulb, type LucideIcon, Meh, Smile, Sparkle } from "lucide-react";

import type { Card } from "@/services/cards";
import { humanize } from "@/ui/format";
import { MockMark } from "@/ui/MadeBy";
import { StatusBadge, type Tone } from "@/ui/StatusBadge";

import s from "./badges.module.css";

type Analysis = NonNullable<Card["analysis"]>;

const KIND_STYLES: Record<Analysis["kind"], { tone: Tone; icon: LucideIcon }> = {
  bug: { tone: "red", icon: Bug },
  feature: { tone: "violet", icon: Lightbulb },
  experience: { tone: "blue", icon: Sparkle },
  praise: { tone: "green", icon: Heart },
  other: { tone: "grey", icon: CircleHelp },
};

const SENTIMENT_ICONS: Record<Analysis["sentiment"], LucideIcon> = {
  positive: Smile,
  neutral: Meh,
  negative: Frown,
  mixed: Meh,
};

export const KIND_NAMES = Object.keys(KIND_STYLES) as Analysis["kind"][];
export const SEVERITIES: Analysis["severity"][] = ["critical", "high", "medium", "low"];
export const SENTIMENTS: Analysis["sentiment"][] = ["positive", "neutral", "negative", "mixed"];

/** Kind, severity and sentiment of an analysis. */
export function AnalysisBadges({ analysis }: { analysis: Analysis }) {
  const Face = SENTIMENT_ICONS[analysis.sentiment];
  return (
    <span className={s.marks}>
      <StatusBadge {...KIND_STYLES[analysis.kind]}>{humanize(analysis.kind)}</StatusBadge>
      <StatusBadge
        tone={analysis.severity === "critical" ? "red" : analysis.severity === "high" ? "amber" : "grey"}
      >
        {humanize(analysis.severity)}
      </StatusBadge>
      <span className={s.sentiment}>
        <Face size={14} aria-hidden /> {humanize(analysis.sentiment)}
      </span>
      <MockMark madeBy={analysis.madeBy} />
    </span>
  );
}
