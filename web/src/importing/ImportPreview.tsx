import { number, plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";

import type { Preview, Problem } from "./csv";
import s from "./Importing.module.css";

const SHOWN = 50;

/** The first rows as they will be read, those that will be rejected marked. */
export function ImportPreview({ preview }: { preview: Preview }) {
  const { columns, rows, problems } = preview;
  const reasons = new Map(problems.map(({ row, reason }) => [row, reason]));
  return (
    <>
      <p className={s.summary}>
        <strong>{plural(rows.length, "row")}</strong> in {plural(columns.length, "column")}
        {rows.length > SHOWN && `; showing the first ${SHOWN}`}
      </p>
      {problems.length > 0 && (
        <Notice tone="warning" title={`${plural(problems.length, "row")} will be rejected`}>
          <Reasons problems={problems} />
        </Notice>
      )}
      {/* a box that scrolls must be reachable for the keyboard */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={s.tableBox} role="region" aria-label="Preview" tabIndex={0}>
        <table className={s.table}>
          <thead>
            <tr>
              <th scope="col" className={s.rowNumber}>
                Row
              </th>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, SHOWN).map((row, index) => (
              <tr key={index} className={reasons.has(index + 1) ? s.bad : undefined}>
                <td className={s.rowNumber}>{number(index + 1)}</td>
                {columns.map((name, column) => (
                  <td key={name} className={name === "text" ? s.text : undefined}>
                    {row[column]}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Each rejected row with its reason; a box of its own where they are many. */
export function Reasons({ problems }: { problems: Problem[] }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={s.reasons} role="region" aria-label="Rejected rows" tabIndex={0}>
      <ul>
        {problems.slice(0, 500).map(({ row, reason }) => (
          <li key={row}>
            <span className={s.reasonRow}>Row {number(row)}:</span> {reason}
          </li>
        ))}
      </ul>
      {problems.length > 500 && <p>and {plural(problems.length - 500, "more row")}</p>}
    </div>
  );
}
