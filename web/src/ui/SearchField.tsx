import { type LucideIcon, Search, X } from "lucide-react";

import s from "./SearchField.module.css";

type Props = { label: string; value: string; onChange: (value: string) => void; icon?: LucideIcon };

export function SearchField({ label, value, onChange, icon: Icon = Search }: Props) {
  return (
    <div className={s.field}>
      <Icon size={15} aria-hidden />
      <input
        type="search"
        className={s.input}
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
      {value && (
        <button type="button" className={s.clear} aria-label="Clear search" onClick={() => onChange("")}>
          <X size={14} aria-hidden />
        </button>
      )}
    </div>
  );
}
