import { RadioGroup } from "radix-ui";
import { useId } from "react";

import s from "./RadioCards.module.css";

export type Choice<T extends string> = { value: T; label: string; hint?: string };
type Props<T extends string> = {
  label: string;
  value: T;
  onValueChange: (value: T) => void;
  choices: readonly Choice<T>[];
};

/** Radio group with a card for each choice. */
export function RadioCards<T extends string>({ label, value, onValueChange, choices }: Props<T>) {
  const id = useId();
  return (
    <div className={s.group}>
      <span className={s.label} id={id}>
        {label}
      </span>
      <RadioGroup.Root
        className={s.choices}
        aria-labelledby={id}
        value={value}
        onValueChange={(chosen) => onValueChange(chosen as T)}
      >
        {choices.map((choice) => (
          <RadioGroup.Item key={choice.value} value={choice.value} className={s.choice}>
            <span className={s.name}>{choice.label}</span>
            {choice.hint && <span className={s.hint}>{choice.hint}</span>}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
    </div>
  );
}
