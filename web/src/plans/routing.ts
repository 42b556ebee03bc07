/**
 * Routes of graph lines: vertical between columns, horizontal between rows and bands, so that no line crosses an
 * unrelated task.
 */
import { GAP, type Layout, NODE, type Spot } from "./layout";

/** Number of parallel lanes; lines of one task share a lane. */
const LANES = 3;
const FIRST_PX = 14;
const LANE_PX = 6;
const CORNER_PX = 8;

/** Points of the line from a task to its dependent; empty if a task has no position. */
export function routeOf(layout: Layout, fromId: string, toId: string, lane: number): Spot[] {
  const [from, to] = [layout.spots.get(fromId), layout.spots.get(toId)];
  if (!from || !to) return [];
  const start = { x: from.x + NODE.width, y: from.y + NODE.height / 2 };
  const end = { x: to.x, y: to.y + NODE.height / 2 };
  const aside = FIRST_PX + (lane % LANES) * LANE_PX;
  const out = start.x + aside;
  if (to.x === start.x + GAP.column && bandAt(layout, from.y) === bandAt(layout, to.y)) {
    return start.y === end.y ? [start, end] : [start, { x: out, y: start.y }, { x: out, y: end.y }, end];
  }
  const level = levelAbove(layout, from, to, lane);
  const into = end.x - aside;
  return [
    start,
    { x: out, y: start.y },
    { x: out, y: level },
    { x: into, y: level },
    { x: into, y: end.y },
    end,
  ];
}

/** Y of the horizontal segment: above the target's row, or above its band. */
function levelAbove(layout: Layout, from: Spot, to: Spot, lane: number): number {
  const [its, mine] = [bandAt(layout, from.y), bandAt(layout, to.y)];
  const aside = (lane % LANES) * LANE_PX;
  if (its === mine || mine === undefined) return to.y - GAP.row / 2 + LANE_PX - aside;
  return mine.y - FIRST_PX - aside;
}

function bandAt(layout: Layout, y: number): Layout["bands"][number] | undefined {
  return layout.bands.find((band) => y >= band.y && y <= band.y + band.height);
}

/** The line as an SVG path, its corners rounded. */
export function pathOf(points: readonly Spot[]): string {
  return points
    .map((point, at) => {
      const [before, after] = [points[at - 1], points[at + 1]];
      if (!before) return `M ${point.x} ${point.y}`;
      if (!after) return `L ${point.x} ${point.y}`;
      const [a, b] = [towards(point, before), towards(point, after)];
      return `L ${a.x} ${a.y} Q ${point.x} ${point.y} ${b.x} ${b.y}`;
    })
    .join(" ");
}

function towards(from: Spot, to: Spot): Spot {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(CORNER_PX, length / 2) / length;
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

/** Middle of the longest segment, for the remove button. */
export function middleOf(points: readonly Spot[]): Spot {
  let best: { length: number; spot: Spot } = { length: -1, spot: points[0] ?? { x: 0, y: 0 } };
  points.slice(1).forEach((to, at) => {
    const from = points[at] ?? to;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    if (length > best.length) best = { length, spot: { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 } };
  });
  return best.spot;
}
