import { X } from "lucide-react";
import { Dialog as D } from "radix-ui";
import type { ReactNode } from "react";

import { IconButton } from "./Button";
import s from "./Dialog.module.css";

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: ReactNode;
  /** `m` 480, `l` 640, `xl` 960 pixels; never wider than the window. */
  size?: "m" | "l" | "xl";
  /** At the right edge and as high as the window, for what is read beside the page. */
  side?: boolean;
  /** The buttons; they stay in sight while the content scrolls. */
  footer?: ReactNode;
  children: ReactNode;
};

export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  size = "m",
  side,
  footer,
  children,
}: Props) {
  return (
    <D.Root open={open} onOpenChange={onOpenChange}>
      <D.Portal>
        <D.Overlay className={s.overlay} />
        <D.Content
          className={`${s.content} ${s[size]} ${side ? s.side : ""}`}
          {...(description ? {} : { "aria-describedby": undefined })}
        >
          <header className={s.header}>
            <div>
              <D.Title className={s.title}>{title}</D.Title>
              {description && <D.Description className={s.description}>{description}</D.Description>}
            </div>
            <D.Close asChild>
              <IconButton label="Close" icon={X} size="s" />
            </D.Close>
          </header>
          <div className={s.body}>{children}</div>
          {footer && <footer className={s.footer}>{footer}</footer>}
        </D.Content>
      </D.Portal>
    </D.Root>
  );
}
