/**
 * Graph layout: phases are bands from top to bottom. In a band, tasks are to the right of their dependencies. Sequential
 * phases wrap into rows.
 */
import type { Phase, Plan, Task } from "./model";

export const NODE = { width: 216, height: 76 } as const;
export const GAP = { column: 56, row: 24 } as const;
const BAND = { padding: 32, header: 48, gap: 44 } as const;

/** Columns of a band before sequential and independent tasks wrap. */
const MAX_COLUMNS = 5;

export interface Spot {
  x: number;
  y: number;
}

export interface Band {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Layout {
  bands: Band[];
  /** Position by task id, relative to the drawing. */
  spots: Map<string, Spot>;
}

interface Cell {
  column: number;
  row: number;
}

export function layoutOf(plan: Pick<Plan, "phases">): Layout {
  const cells = plan.phases.map((phase) => cellsOf(phase));
  const columns = Math.max(2, ...cells.flatMap((band) => [...band.values()].map((cell) => cell.column + 1)));
  const width = BAND.padding * 2 + columns * (NODE.width + GAP.column) - GAP.column;
  const layout: Layout = { bands: [], spots: new Map() };
  let y = 0;
  plan.phases.forEach((phase, number) => {
    const band = cells[number] ?? new Map<string, Cell>();
    const rows = Math.max(1, ...[...band.values()].map((cell) => cell.row + 1));
    const height = BAND.header + BAND.padding + rows * (NODE.height + GAP.row) - GAP.row;
    layout.bands.push({ id: phase.id, x: 0, y, width, height });
    for (const [id, cell] of band) layout.spots.set(id, spotOf(cell, y));
    y += height + BAND.gap;
  });
  return layout;
}

function spotOf(cell: Cell, bandY: number): Spot {
  return {
    x: BAND.padding + cell.column * (NODE.width + GAP.column),
    y: bandY + BAND.header + cell.row * (NODE.height + GAP.row),
  };
}

function cellsOf(phase: Phase): Map<string, Cell> {
  return phase.mode === "parallel" ? layeredCells(phase.tasks) : wrappedCells(phase.tasks, 0);
}

function wrappedCells(tasks: readonly Task[], firstRow: number): Map<string, Cell> {
  return new Map(
    tasks.map((task, index) => [
      task.id,
      { column: index % MAX_COLUMNS, row: firstRow + Math.floor(index / MAX_COLUMNS) },
    ]),
  );
}

/** Place connected tasks by depth; independent tasks fill rows below. */
function layeredCells(tasks: readonly Task[]): Map<string, Cell> {
  const inside = new Set(tasks.map((task) => task.id));
  const needed = new Set(tasks.flatMap((task) => task.dependsOn));
  const isConnected = (task: Task) => needed.has(task.id) || task.dependsOn.some((id) => inside.has(id));
  const depths = depthsOf(tasks, inside);
  const cells = new Map<string, Cell>();
  const rows = new Map<number, number>();
  const connected = tasks.filter(isConnected).sort((one, other) => depth(depths, one) - depth(depths, other));
  for (const column of new Set(connected.map((task) => depth(depths, task)))) {
    const layer = connected.filter((task) => depth(depths, task) === column);
    for (const task of byNeighbours(layer, cells)) {
      const row = rows.get(column) ?? 0;
      cells.set(task.id, { column, row });
      rows.set(column, row + 1);
    }
  }
  const below = Math.max(0, ...rows.values());
  const alone = tasks.filter((task) => !isConnected(task));
  return new Map([...cells, ...wrappedCells(alone, below)]);
}

function depth(depths: ReadonlyMap<string, number>, task: Task): number {
  return depths.get(task.id) ?? 0;
}

/** Longest dependency chain to each task. The round limit guards against cycles. */
function depthsOf(tasks: readonly Task[], inside: ReadonlySet<string>): Map<string, number> {
  const depths = new Map(tasks.map((task) => [task.id, 0]));
  for (let round = 0, changed = true; changed && round < tasks.length; round++) {
    changed = false;
    for (const task of tasks) {
      const before = task.dependsOn.filter((id) => inside.has(id)).map((id) => (depths.get(id) ?? 0) + 1);
      const deepest = Math.max(0, ...before);
      if (deepest > depth(depths, task)) {
        depths.set(task.id, deepest);
        changed = true;
      }
    }
  }
  return depths;
}

/** Order a layer by the rows of its dependencies, to reduce crossing lines. */
function byNeighbours(layer: readonly Task[], cells: ReadonlyMap<string, Cell>): Task[] {
  const weight = (task: Task, index: number) => {
    const rows = task.dependsOn.flatMap((id) => cells.get(id)?.row ?? []);
    return rows.length > 0 ? rows.reduce((sum, row) => sum + row, 0) / rows.length : index;
  };
  return layer
    .map((task, index) => ({ task, weight: weight(task, index) }))
    .sort((one, other) => one.weight - other.weight)
    .map(({ task }) => task);
}
