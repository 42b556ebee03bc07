import { Check, Minus } from "lucide-react";
import { Checkbox as C } from "radix-ui";
import { type ReactNode, useId } from "react";

import s from "./Checkbox.module.css";

type Props = {
  checked: boolean | "indeterminate";
  onCheckedChange: (checked: boolean) => void;
  disabled?: boolean;
} & ({ children: ReactNode; label?: never } | { label: string; children?: never });

/** Checkbox with visible text (`children`), or with a name for screen readers only (`label`). */
export function Checkbox({ checked, onCheckedChange, disabled = false, children, label }: Props) {
  const id = useId();
  const box = (
    <C.Root
      id={id}
      className={s.box}
      checked={checked}
      disabled={disabled}
      aria-label={label}
      onCheckedChange={(value) => onCheckedChange(value === true)}
    >
      <C.Indicator className={s.mark}>
        {checked === "indeterminate" ? (
          <Minus size={12} aria-hidden />
        ) : (
          <Check size={12} strokeWidth={3} aria-hidden />
        )}
      </C.Indicator>
    </C.Root>
  );
  if (children === undefined) return box;
  return (
    <div className={s.row}>
      {box}
      <label htmlFor={id} className={s.label}>
        {children}
      </label>
    </div>
  );
}
