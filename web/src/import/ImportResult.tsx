import { Check, Copy, type LucideIcon, X } from "lucide-react";

import { number } from "@/ui/format";

import type { Preview } from "./csv";
import s from "./Importing.module.css";
import { RowErrors } from "./ImportPreview";
import type { Upload } from "./upload";

/** Result of an import. */
export function ImportResult({ result, preview }: { result: Upload; preview: Preview | null }) {
  const { created, duplicates, rejected } = result;
  const errors = rejected.map(({ row, reason }) => ({ row, reason: withText(reason, preview, row) }));
  return (
    <>
      <ul className={s.results}>
        <Count icon={Check} tone={s.good} count={created} label="new" />
        <Count icon={Copy} tone={s.neutral} count={duplicates} label="duplicates" />
        <Count icon={X} tone={s.wrong} count={rejected.length} label="rejected" />
      </ul>
      {rejected.length > 0 && (
        <section>
          <h3 className={s.subtitle}>Rejected rows</h3>
          <RowErrors errors={errors} />
        </section>
      )}
    </>
  );
}

function Count({
  icon: Icon,
  tone,
  count,
  label,
}: {
  icon: LucideIcon;
  tone: string | undefined;
  count: number;
  label: string;
}) {
  return (
    <li className={s.result}>
      <span className={`${s.resultIcon} ${count > 0 ? tone : s.neutral}`}>
        <Icon size={16} aria-hidden />
      </span>
      <strong>{number(count)}</strong> {label}
    </li>
  );
}

function withText(reason: string, preview: Preview | null, row: number): string {
  const text = preview?.rows[row - 1]?.[preview.columns.indexOf("text")]?.trim();
  return text ? `${reason} (“${text.length > 60 ? `${text.slice(0, 60)}…` : text}”)` : reason;
}
