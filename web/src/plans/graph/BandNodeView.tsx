import type { NodeProps } from "@xyflow/react";
import { memo } from "react";

import { MODE_LABELS } from "@/plans/modeLabels";

import type { BandNode } from "./elements";
import s from "./PlanGraph.module.css";

/** Phase as a background for its tasks. */
export const BandNodeView = memo(function BandNodeView({ data: { phase, isCurrent } }: NodeProps<BandNode>) {
  const { icon: Icon, label } = MODE_LABELS[phase.mode];
  return (
    <div className={`${s.band} ${isCurrent ? s.current : ""}`}>
      <p className={s.bandTitle}>{phase.title}</p>
      <p className={s.bandMode}>
        <Icon size={13} aria-hidden /> {label}
      </p>
    </div>
  );
});
