import { CircleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { ApiError, explain } from "@/api/errors";

import { Button } from "./Button";
import s from "./EmptyState.module.css";

type Props = { error: unknown; title?: string; onRetry?: () => void; action?: ReactNode };

/** What went wrong, in words, with the request's id where the server gave one. */
export function ErrorState({ error, title = "This could not be loaded", onRetry, action }: Props) {
  const id = error instanceof ApiError ? error.requestId : null;
  return (
    <div className={s.empty} role="alert">
      <span className={`${s.icon} ${s.failed}`}>
        <CircleAlert size={22} aria-hidden />
      </span>
      <h2 className={s.title}>{title}</h2>
      <p className={s.text}>{explain(error)}</p>
      {id && <p className={`${s.id} mono`}>Request {id}</p>}
      <div className={s.action}>
        {onRetry && <Button onClick={onRetry}>Try again</Button>}
        {action}
      </div>
    </div>
  );
}
