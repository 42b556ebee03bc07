import { type ReactNode, type SyntheticEvent, useId } from "react";

import { explain } from "@/api/errors";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";

import s from "./forms.module.css";

type Props = {
  title: string;
  description?: ReactNode;
  size?: "m" | "l" | "xl";
  submit: string;
  isDangerous?: boolean;
  isDisabled?: boolean;
  busy: boolean;
  error?: unknown;
  onSubmit: () => void;
  onClose: () => void;
  children: ReactNode;
};

/** Form in a dialog. Server errors show above the buttons; the input stays. */
export function FormDialog({ title, submit, busy, error, onSubmit, onClose, children, ...rest }: Props) {
  const id = useId();
  const { isDangerous = false, isDisabled = false, description, size = "m" } = rest;
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      size={size}
      {...(description ? { description } : {})}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            type="submit"
            form={id}
            variant={isDangerous ? "danger" : "primary"}
            busy={busy}
            disabled={isDisabled || busy}
          >
            {submit}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={send} className={s.form}>
        {children}
        {error !== null && error !== undefined && (
          <p className={s.error} role="alert">
            {explain(error)}
          </p>
        )}
      </form>
    </Dialog>
  );
}
