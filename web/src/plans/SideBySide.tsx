import s from "./SideBySide.module.css";
import type { Row } from "./sides";
import { type Piece, wordDiff } from "./wordDiff";

/** Before and after beside each other; on a narrow window below each other. What differs is marked, not by colour alone. */
export function SideBySide({ rows }: { rows: Row[] }) {
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
  const pieces = before !== null && after !== null ? wordDiff(before, after) : null;
  const side = (text: string | null, without: Piece["kind"]): Piece[] =>
    pieces?.filter(({ kind }) => kind !== without) ?? [
      { text: text ?? "", kind: without === "added" ? "removed" : "added" },
    ];
  return (
    <>
      <div className={s.side}>
        <span className="visually-hidden">Before: </span>
        {before === null ? (
          <span className={s.none}>not there</span>
        ) : (
          <Pieces pieces={side(before, "added")} />
        )}
      </div>
      <div className={s.side}>
        <span className="visually-hidden">After: </span>
        {after === null ? (
          <span className={s.none}>not there</span>
        ) : (
          <Pieces pieces={side(after, "removed")} />
        )}
      </div>
    </>
  );
}

function Pieces({ pieces }: { pieces: Piece[] }) {
  return pieces.map(({ text, kind }, index) => {
    if (kind === "removed") return <del key={index}>{text}</del>;
    return kind === "added" ? <ins key={index}>{text}</ins> : <span key={index}>{text}</span>;
  });
}
