import { Check, type LucideIcon } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type FocusEvent, type ReactElement, type ReactNode, useRef } from "react";

import s from "./Menu.module.css";

type Props = {
  trigger: ReactElement;
  /** True if opened by keyboard: the first item gets the focus. */
  isByKeyboard: boolean;
  children: ReactNode;
};

/** Menu, initially open. */
export function MenuBox({ trigger, isByKeyboard, children }: Props) {
  const isFresh = useRef(isByKeyboard);
  const onFocus = ({ target, currentTarget }: FocusEvent<HTMLElement>) => {
    if (!isFresh.current || target !== currentTarget) return;
    isFresh.current = false;
    currentTarget.querySelector<HTMLElement>("[role^=menuitem]:not([data-disabled])")?.focus();
  };
  return (
    <DropdownMenu.Root modal={false} defaultOpen>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          onFocus={onFocus}
          className={s.content}
          align="end"
          sideOffset={6}
          collisionPadding={8}
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

type ItemProps = {
  icon?: LucideIcon;
  onSelect: () => void;
  danger?: boolean;
  disabled?: boolean;
  children: ReactNode;
};

export function MenuItem({ icon: Icon, onSelect, danger = false, disabled = false, children }: ItemProps) {
  return (
    <DropdownMenu.Item
      className={`${s.item} ${danger ? s.danger : ""}`}
      onSelect={onSelect}
      disabled={disabled}
    >
      {Icon && <Icon size={16} aria-hidden />}
      {children}
    </DropdownMenu.Item>
  );
}

export function MenuRadio({
  value,
  icon: Icon,
  children,
}: {
  value: string;
  icon?: LucideIcon;
  children: ReactNode;
}) {
  return (
    <DropdownMenu.RadioItem className={s.item} value={value}>
      {Icon && <Icon size={16} aria-hidden />}
      {children}
      <DropdownMenu.ItemIndicator className={s.check}>
        <Check size={14} aria-hidden />
      </DropdownMenu.ItemIndicator>
    </DropdownMenu.RadioItem>
  );
}

export const MenuRadioGroup = DropdownMenu.RadioGroup;

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className={s.label}>{children}</DropdownMenu.Label>;
}

export function MenuSeparator() {
  return <DropdownMenu.Separator className={s.separator} />;
}
