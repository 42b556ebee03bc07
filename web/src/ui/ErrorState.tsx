import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { ApiError, explain } from "@/api/errors";

import { Button } from "./Button";
import s from "./EmptyState.module.css";

type Props = {
  error: unknown;
  title?: string;
  onRetry?: () => void;
  action?: ReactNode;
  /** Replaces a whole page; uses an h1. */
  isPage?: boolean;
};

/** Error message with the request id. */
export function ErrorState({ error, title = "Could not load this", onRetry, action, isPage }: Props) {
  const Heading = isPage ? "h1" : "h2";
  const id = error instanceof ApiError ? error.requestId : null;
  return (
    <div className={s.empty} role="alert">
      <span className={`${s.icon} ${s.failed}`}>
        <CircleAlert size={22} aria-hidden />
      </span>
      <Heading className={s.title}>{title}</Heading>
      <p className={s.text}>{explain(error)}</p>
      {id && <p className={`${s.id} mono`}>Request {id}</p>}
      <div className={s.action}>
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
        {action}
      </div>
    </div>
  );
}
