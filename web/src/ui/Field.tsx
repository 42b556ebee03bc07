import { type ReactNode, useId } from "react";

import s from "./Field.module.css";

type InputProps = { id: string; className: string; "aria-invalid"?: true; "aria-describedby"?: string };
type Props = {
  label: string;
  error?: string | null;
  hint?: ReactNode;
  /** Renders the input with the props that link label, hint and error. */
  children: (props: InputProps) => ReactNode;
};

export function Field({ label, error, hint, children }: Props) {
  const id = useId();
  const described = error ? `${id}-error` : hint ? `${id}-hint` : null;
  const props: InputProps = {
    id,
    className: s.input ?? "",
    ...(error ? { "aria-invalid": true as const } : {}),
    ...(described ? { "aria-describedby": described } : {}),
  };
  return (
    <div className={s.field}>
      <label className={s.label} htmlFor={id}>
        {label}
      </label>
      {children(props)}
      {error ? (
        <p className={s.error} id={`${id}-error`} role="alert">
          {error}
        </p>
      ) : (
        hint && (
          <p className={s.hint} id={`${id}-hint`}>
            {hint}
          </p>
        )
      )}
    </div>
  );
}
