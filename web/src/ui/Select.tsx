import { ChevronDown } from "lucide-react";
import { type KeyboardEvent, Suspense, useState } from "react";

import { overlay, overlays } from "./overlay";
import s from "./Select.module.css";
import type { SelectProps } from "./SelectBox";

export type { Option } from "./SelectBox";

const SelectBox = overlay("SelectBox");
const OPENING = ["ArrowDown", "ArrowUp"];

/**
 * `label` is its name for screen readers, unless a `Field` labels it by `id`. Values must not be empty. Until it is
 * first opened, only a button with its value is rendered.
 */
export function Select(props: SelectProps) {
  const [isOpened, setOpened] = useState(false);
  const closed = <Closed {...props} onOpen={() => setOpened(true)} />;
  if (!isOpened) return closed;
  return (
    <Suspense fallback={closed}>
      <SelectBox {...props} />
    </Suspense>
  );
}

function Closed({ label, value, options, id, disabled, size = "m", onOpen }: ClosedProps) {
  const load = () => void overlays();
  const onKeyDown = (event: KeyboardEvent) => {
    if (!OPENING.includes(event.key)) return;
    event.preventDefault();
    onOpen();
  };
  return (
    <button
      type="button"
      role="combobox"
      aria-haspopup="listbox"
      aria-expanded={false}
      aria-controls=""
      aria-label={label}
      id={id}
      className={`${s.trigger} ${size === "s" ? s.small : ""}`}
      disabled={disabled}
      onPointerEnter={load}
      onFocus={load}
      onClick={onOpen}
      onKeyDown={onKeyDown}
    >
      <span>{options.find((option) => option.value === value)?.label}</span>
      <span className={s.icon} aria-hidden>
        <ChevronDown size={15} />
      </span>
    </button>
  );
}

type ClosedProps = SelectProps & { onOpen: () => void };
