/** Word-level diff of two texts. */

export interface Piece {
  text: string;
  kind: "same" | "removed" | "added";
}

/** Longer texts are shown as removed and added. */
const MAX_WORDS = 600;

export function wordDiff(before: string, after: string): Piece[] {
  const [old, now] = [words(before), words(after)];
  if (old.length > MAX_WORDS || now.length > MAX_WORDS) {
    return merged([
      { text: before, kind: "removed" },
      { text: after, kind: "added" },
    ]);
  }
  return merged(walk(old, now, commonLengths(old, now)));
}

function words(text: string): string[] {
  return text.match(/\s+|[^\s]+/g) ?? [];
}

/** Length of the longest common subsequence from two positions. */
type Lengths = (i: number, j: number) => number;

function commonLengths(old: readonly string[], now: readonly string[]): Lengths {
  const width = now.length + 1;
  const cells = new Uint16Array((old.length + 1) * width);
  const at: Lengths = (i, j) => cells[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      cells[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  return at;
}

function walk(old: readonly string[], now: readonly string[], common: Lengths): Piece[] {
  const pieces: Piece[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [word, other] = [old[i], now[j]];
    if (word !== undefined && word === other) {
      pieces.push({ text: word, kind: "same" });
      i++;
      j++;
    } else if (word !== undefined && (other === undefined || common(i + 1, j) >= common(i, j + 1))) {
      pieces.push({ text: word, kind: "removed" });
      i++;
    } else if (other !== undefined) {
      pieces.push({ text: other, kind: "added" });
      j++;
    }
  }
  return pieces;
}

function merged(pieces: readonly Piece[]): Piece[] {
  const found: Piece[] = [];
  for (const piece of pieces) {
    const last = found.at(-1);
    if (last?.kind === piece.kind) last.text += piece.text;
    else if (piece.text) found.push({ ...piece });
  }
  return found;
}
