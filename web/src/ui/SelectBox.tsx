import { Check, ChevronDown } from "lucide-react";
import { Select as S } from "radix-ui";

import s from "./Select.module.css";

export type Option = { value: string; label: string };
export type SelectProps = {
  label: string;
  value: string;
  onValueChange: (value: string) => void;
  options: readonly Option[];
  id?: string;
  disabled?: boolean;
  size?: "s" | "m";
};

/** Select, initially open. */
export function SelectBox({
  label,
  value,
  onValueChange,
  options,
  id,
  disabled = false,
  size = "m",
}: SelectProps) {
  return (
    <S.Root defaultOpen value={value} onValueChange={onValueChange} disabled={disabled}>
      <S.Trigger className={`${s.trigger} ${size === "s" ? s.small : ""}`} aria-label={label} id={id}>
        <S.Value />
        <S.Icon className={s.icon}>
          <ChevronDown size={15} aria-hidden />
        </S.Icon>
      </S.Trigger>
      <S.Portal>
        <S.Content className={s.content} position="popper" sideOffset={4} collisionPadding={8}>
          <S.Viewport>
            {options.map((option) => (
              <S.Item key={option.value} value={option.value} className={s.item}>
                <S.ItemText>{option.label}</S.ItemText>
                <S.ItemIndicator className={s.check}>
                  <Check size={14} aria-hidden />
                </S.ItemIndicator>
              </S.Item>
            ))}
          </S.Viewport>
        </S.Content>
      </S.Portal>
    </S.Root>
  );
}
