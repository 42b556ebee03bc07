import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";

import s from "./Button.module.css";
import { Spinner } from "./Spinner";

type Base = ButtonHTMLAttributes<HTMLButtonElement> & { ref?: Ref<HTMLButtonElement> };

type ButtonProps = Base & {
  variant?: "primary" | "secondary" | "ghost" | "danger";
  size?: "s" | "m";
  icon?: LucideIcon | undefined;
  /** Shows a spinner and disables the button. */
  busy?: boolean;
};

export function Button({
  variant = "secondary",
  size = "m",
  icon: Icon,
  busy = false,
  ...rest
}: ButtonProps) {
  const { children, className = "", disabled, ...attributes } = rest;
  const classes = [s.button, s[variant], size === "s" ? s.small : "", className].join(" ");
  return (
    <button
      type="button"
      className={classes}
      disabled={disabled ?? busy}
      aria-busy={busy || undefined}
      {...attributes}
    >
      {busy ? <Spinner /> : Icon && <Icon size={size === "s" ? 14 : 16} aria-hidden />}
      {children}
    </button>
  );
}

/** Icon button; `label` is its accessible name and tooltip. */
export function IconButton({ label, icon: Icon, size = "m", ...rest }: IconButtonProps) {
  const { className = "", ...attributes } = rest;
  const classes = [s.button, s.ghost, s.icon, size === "s" ? s.small : "", className].join(" ");
  return (
    <button type="button" aria-label={label} data-tooltip={label} className={classes} {...attributes}>
      <Icon size={size === "s" ? 15 : 18} aria-hidden />
    </button>
  );
}

type IconButtonProps = Base & { label: string; icon: LucideIcon; size?: "s" | "m" };
