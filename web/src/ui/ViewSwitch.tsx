import type { LucideIcon } from "lucide-react";
import { ToggleGroup } from "radix-ui";

import s from "./ViewSwitch.module.css";

type Props<T extends string> = {
  label: string;
  value: T;
  onChange: (value: T) => void;
  choices: readonly { value: T; label: string; icon: LucideIcon }[];
};

/** Toggle between views. */
export function ViewSwitch<T extends string>({ label, value, onChange, choices }: Props<T>) {
  return (
    <ToggleGroup.Root
      type="single"
      className={s.group}
      aria-label={label}
      value={value}
      onValueChange={(chosen) => chosen && onChange(chosen as T)}
    >
      {choices.map(({ value: one, label: name, icon: Icon }) => (
        <ToggleGroup.Item key={one} value={one} className={s.item}>
          <Icon size={14} aria-hidden /> {name}
        </ToggleGroup.Item>
      ))}
    </ToggleGroup.Root>
  );
}
