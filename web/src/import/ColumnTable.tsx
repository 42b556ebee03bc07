import type { ColumnRole, PreviewColumn } from "@/services/cards";
import { plural } from "@/ui/format";
import { Select } from "@/ui/Select";

import s from "./Import.module.css";
import { ROLES } from "./labels";

const SHOWN = 200;

type Props = { columns: PreviewColumn[]; onRole: (name: string, role: ColumnRole) => void };

/** Columns of the file with their roles. */
export function ColumnTable({ columns, onRole }: Props) {
  return (
    <section>
      <h3 className={s.subtitle}>Columns</h3>
      {/* a box that scrolls must be reachable for the keyboard */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={s.tableBox} role="region" aria-label="Columns" tabIndex={0}>
        <table className={s.table}>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Use as</th>
              <th scope="col">Values</th>
            </tr>
          </thead>
          <tbody>
            {columns.slice(0, SHOWN).map(({ name, role, samples }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className={s.role}>
                  <Select
                    size="s"
                    label={`Use ${name} as`}
                    value={role}
                    options={ROLES}
                    onValueChange={(chosen) => onRole(name, chosen as ColumnRole)}
                  />
                </td>
                <td className={s.samples}>{samples.map(shortened).join(" · ")}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {columns.length > SHOWN && (
        <p className={s.summary}>and {plural(columns.length - SHOWN, "more column")}</p>
      )}
    </section>
  );
}

const shortened = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
