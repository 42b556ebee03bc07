import { AlertDialog as A } from "radix-ui";
import type { ReactNode } from "react";

import { Button } from "./Button";
import s from "./Dialog.module.css";

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What will be lost, plainly. */
  children: ReactNode;
  /** The verb, e.g. "Delete project". */
  confirm: string;
  onConfirm: () => void;
  busy?: boolean;
};

/** Asks before what cannot be undone; the focus begins on the way out. */
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  children,
  confirm,
  onConfirm,
  busy = false,
}: Props) {
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
              <Button>Keep it</Button>
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
