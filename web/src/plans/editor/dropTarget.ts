import type { Place } from "@/plans/moves";

/** Position of a phase's list and of its rows, without the dragged row. */
export type Row = { phaseId: string; top: number; bottom: number; middles: number[] };

/** Drop position: in the nearest phase, before the first row below the pointer. */
export function dropTarget(rows: readonly Row[], y: number): Place | null {
  const nearest = rows.reduce<Row | null>(
    (best, row) => (best && away(best, y) <= away(row, y) ? best : row),
    null,
  );
  if (!nearest) return null;
  const position = nearest.middles.filter((middle) => middle < y).length;
  return { phaseId: nearest.phaseId, position };
}

function away({ top, bottom }: Row, y: number): number {
  return y < top ? top - y : Math.max(0, y - bottom);
}
