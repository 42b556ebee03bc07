import { number, plural } from "@/ui/format";

import s from "./Import.module.css";

const SHOWN = 200;

type Props = { rows: { row: number; line?: number | null; reason: string }[]; count: number };

/** Rejected rows with reasons, in a scroll box. */
export function RejectedRows({ rows, count }: Props) {
  const shown = rows.slice(0, SHOWN);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={s.reasons} role="region" aria-label="Rejected rows" tabIndex={0}>
      <ul>
        {shown.map(({ row, line, reason }) => (
          <li key={`${row} ${line ?? ""}`}>
            <span className={s.reasonRow}>{line ? `Line ${number(line)}:` : `Row ${number(row)}:`}</span>{" "}
            {reason}
          </li>
        ))}
      </ul>
      {count > shown.length && <p>and {plural(count - shown.length, "more row")}</p>}
    </div>
  );
}
