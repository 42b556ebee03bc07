import { number, plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";

import type { Preview, RowError } from "./csv";
import s from "./Importing.module.css";

const SHOWN = 50;

/** First rows of the file; invalid rows are marked. */
export function ImportPreview({ preview }: { preview: Preview }) {
  const { columns, rows, errors } = preview;
  const reasons = new Map(errors.map(({ row, reason }) => [row, reason]));
  return (
    <>
      <p className={s.summary}>
        <strong>{plural(rows.length, "row")}</strong> in {plural(columns.length, "column")}
        {rows.length > SHOWN && `; showing the first ${SHOWN}`}
      </p>
      {errors.length > 0 && (
        <Notice tone="warning" title={`${plural(errors.length, "row")} will be rejected`}>
          <RowErrors errors={errors} />
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

/** Rejected rows with reasons, in a scroll box. */
export function RowErrors({ errors }: { errors: RowError[] }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={s.reasons} role="region" aria-label="Rejected rows" tabIndex={0}>
      <ul>
        {errors.slice(0, 500).map(({ row, reason }) => (
          <li key={row}>
            <span className={s.reasonRow}>Row {number(row)}:</span> {reason}
          </li>
        ))}
      </ul>
      {errors.length > 500 && <p>and {plural(errors.length - 500, "more row")}</p>}
    </div>
  );
}
