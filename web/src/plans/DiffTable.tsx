import s from "./DiffTable.module.css";
import { EMPTY_VALUE, type DiffRow } from "./diffRows";
import { type Piece, wordDiff } from "./wordDiff";

/** Before and after in two columns, stacked on narrow screens. Differences are marked, not by color alone. */
export function DiffTable({ rows }: { rows: DiffRow[] }) {
  return (
    <div className={s.rows}>
      <div className={s.heads} aria-hidden>
        <span>Before</span>
        <span>After</span>
      </div>
      {rows.map((row) => (
        <div key={row.name} className={s.row}>
          <p className={s.name}>{row.name}</p>
          <Sides before={row.before} after={row.after} />
        </div>
      ))}
    </div>
  );
}

function Sides({ before, after }: { before: string | null; after: string | null }) {
  const pieces = isThere(before) && isThere(after) ? wordDiff(before, after) : null;
  return (
    <>
      <div className={s.side}>
        <span className="visually-hidden">Before: </span>
        <Side text={before} pieces={pieces} kind="removed" />
      </div>
      <div className={s.side}>
        <span className="visually-hidden">After: </span>
        <Side text={after} pieces={pieces} kind="added" />
      </div>
    </>
  );
}

function isThere(text: string | null): text is string {
  return text !== null && text !== EMPTY_VALUE;
}

type SideProps = { text: string | null; pieces: Piece[] | null; kind: "removed" | "added" };

function Side({ text, pieces, kind }: SideProps) {
  if (text === null) return <span className={s.none}>none</span>;
  if (text === EMPTY_VALUE) return <span className={s.none}>empty</span>;
  return joined(
    pieces?.filter((piece) => piece.kind === kind || piece.kind === "same") ?? [{ text, kind }],
  ).map((piece, index) => {
    if (piece.kind === "removed") return <del key={index}>{piece.text}</del>;
    return piece.kind === "added" ? (
      <ins key={index}>{piece.text}</ins>
    ) : (
      <span key={index}>{piece.text}</span>
    );
  });
}

/** Join adjacent marked words including the space between them. */
function joined(pieces: Piece[]): Piece[] {
  const found: Piece[] = [];
  pieces.forEach((piece, at) => {
    const [last, next] = [found.at(-1), pieces[at + 1]];
    const isGap = piece.kind === "same" && piece.text.trim() === "" && last?.kind === next?.kind;
    if (last && (isGap || last.kind === piece.kind)) last.text += piece.text;
    else found.push({ ...piece });
  });
  return found;
}
