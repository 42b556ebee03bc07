/** How the ways of a phase are shown. */
import { ArrowDownNarrowWide, Hand, type LucideIcon, Split } from "lucide-react";

import type { PhaseMode } from "./model";

export const MODES_SHOWN: Record<PhaseMode, { label: string; hint: string; icon: LucideIcon }> = {
  sequential: { label: "In order", hint: "One task after the other.", icon: ArrowDownNarrowWide },
  parallel: { label: "In parallel", hint: "Each task begins once what it waits for is done.", icon: Split },
  manual: { label: "By approval", hint: "In order, each task once somebody approves it.", icon: Hand },
};
