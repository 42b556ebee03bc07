import { X } from "lucide-react";
import { Dialog as D } from "radix-ui";
import type { ReactNode } from "react";

import s from "./Dialog.module.css";

export type DialogProps = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  /** `m` 480, `l` 640, `xl` 960 pixels; never wider than the window. */
  size?: "m" | "l" | "xl";
  /** Full-height panel at the right edge. */
  side?: boolean;
  /** Buttons; they stay visible while the content scrolls. */
  footer?: ReactNode;
  children: ReactNode;
};

export function DialogBox({
  open,
  onOpenChange,
  title,
  description,
  size = "m",
  side,
  footer,
  children,
}: DialogProps) {
  return (
    <D.Root open={open} onOpenChange={onOpenChange}>
      <D.Portal>
        <D.Overlay className={s.overlay} />
        <D.Content
          className={`${s.content} ${s[size]} ${side ? s.side : ""}`}
          onOpenAutoFocus={focusFirstField}
          onEscapeKeyDown={(event) => {
            // Escape cancels inline editing, not the dialog
            if (event.target instanceof Element && event.target.closest("[data-editing]"))
              event.preventDefault();
          }}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <header className={s.header}>
            <div>
              <D.Title className={s.title}>{title}</D.Title>
              {description && <D.Description className={s.description}>{description}</D.Description>}
            </div>
            <D.Close className={s.close} aria-label="Close">
              <X size={16} aria-hidden />
            </D.Close>
          </header>
          <div className={s.body}>{children}</div>
          {footer && <footer className={s.footer}>{footer}</footer>}
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}

/** Focus the first field, or the dialog itself. */
function focusFirstField(event: Event): void {
  const content = event.currentTarget;
  if (!(content instanceof HTMLElement)) return;
  event.preventDefault();
  const fields = "input:not([type=file]), textarea, [role=radio][data-state=checked]";
  const field = content.querySelector<HTMLElement>(fields);
  (field ?? content).focus();
}
