import { AlertDialog as A } from "radix-ui";
import type { ReactNode } from "react";

import { Button } from "./Button";
import s from "./Dialog.module.css";

export type ConfirmProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** Consequences of the action. */
  children: ReactNode;
  /** The verb, e.g. "Delete project". */
  confirm: string;
  onConfirm: () => void;
  /** Label of the button that closes the dialog without acting. */
  dismiss?: string;
  busy?: boolean;
};

export function ConfirmBox({
  open,
  onOpenChange,
  title,
  children,
  confirm,
  onConfirm,
  dismiss = "Cancel",
  busy = false,
}: ConfirmProps) {
  return (
    <A.Root open={open} onOpenChange={onOpenChange}>
      <A.Portal>
        <A.Overlay className={s.overlay} />
        <A.Content className={`${s.content} ${s.m}`}>
          <header className={s.header}>
            <A.Title className={s.title}>{title}</A.Title>
          </header>
          <A.Description asChild>
            <div className={s.body}>{children}</div>
          </A.Description>
          <footer className={s.footer}>
            <A.Cancel asChild>
              <Button>{dismiss}</Button>
            </A.Cancel>
            <Button variant="danger" busy={busy} onClick={onConfirm}>
              {confirm}
            </Button>
          </footer>
        </A.Content>
      </A.Portal>
    </A.Root>
  );
}
