/** Labels of phase modes. */
import { ArrowDownNarrowWide, Hand, type LucideIcon, Split } from "lucide-react";

import type { PhaseMode } from "./model";

export const MODE_LABELS: Record<PhaseMode, { label: string; hint: string; icon: LucideIcon }> = {
  sequential: { label: "Sequential", hint: "One task at a time.", icon: ArrowDownNarrowWide },
  parallel: { label: "Parallel", hint: "Tasks start when their dependencies are done.", icon: Split },
  manual: { label: "Manual", hint: "One task at a time, each after approval.", icon: Hand },
};
