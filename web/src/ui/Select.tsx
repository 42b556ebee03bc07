import { ChevronDown } from "lucide-react";
import { Suspense } from "react";

import { overlay } from "./overlay";
import s from "./Select.module.css";
import type { SelectProps } from "./SelectBox";

export type { Option } from "./SelectBox";

const SelectBox = overlay("SelectBox");

/** `label` is its name for a screen reader, unless a `Field` labels it by `id`. Values must not be empty. */
export function Select(props: SelectProps) {
  return (
    <Suspense fallback={<Closed {...props} />}>
      <SelectBox {...props} />
    </Suspense>
  );
}

/** As it will look, until it can be opened. */
function Closed({ label, value, options, id, size = "m" }: SelectProps) {
  return (
    <button
      type="button"
      className={`${s.trigger} ${size === "s" ? s.small : ""}`}
      aria-label={label}
      aria-busy
      id={id}
    >
      <span>{options.find((option) => option.value === value)?.label}</span>
      <span className={s.icon} aria-hidden>
        <ChevronDown size={15} />
      </span>
    </button>
  );
}
