import { type SyntheticEvent, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { Navigate, useLocation } from "react-router";

import { getJson } from "@/api/client";
import { ApiError, explain } from "@/api/errors";
import { token } from "@/api/token";
import { Logo } from "@/app/Logo";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { usePageTitle } from "@/ui/usePageTitle";

import s from "./SignInPage.module.css";

const REFUSED = "The server does not accept this token.";

/** Sign-in form; returns to the requested page. */
export function Component() {
  usePageTitle("Sign in");
  const signedIn = useSyncExternalStore(token.subscribe, token.get) !== null;
  const [checking, setChecking] = useState(false);
  const from = (useLocation().state as { from?: string } | null)?.from ?? "/";
  if (signedIn && !checking) return <Navigate to={from} replace />;
  return (
    <main className={s.page}>
      <div className={s.card}>
        <div className={s.brand}>
          <Logo /> Groundwork
        </div>
        <h1 className={s.title}>Sign in</h1>
        <p className={s.lead}>Turn feedback into a backlog, and plans into commits.</p>
        <TokenForm checking={checking} setChecking={setChecking} />
      </div>
    </main>
  );
}

function TokenForm({ checking, setChecking }: { checking: boolean; setChecking: (value: boolean) => void }) {
  const [value, setValue] = useState("");
  const [error, setError] = useState<string | null>(() =>
    token.wasRefused() ? "The server no longer accepts your token. Sign in again." : null,
  );
  const field = useRef<HTMLInputElement>(null);
  // the token is the only field, and a redirect has lost the focus
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    if (!value.trim()) {
      setError("Enter the token.");
      return;
    }
    setChecking(true);
    setError(await verifyToken(value.trim()));
    setChecking(false);
  };
  return (
    <form className={s.form} onSubmit={(event) => void submit(event)} noValidate>
      <Field label="Access token" error={error} hint="The local server prints it at startup.">
        {(props) => (
          <input
            {...props}
            ref={field}
            type="password"
            name="token"
            autoComplete="current-password"
            value={value}
            onChange={(event) => setValue(event.target.value)}
          />
        )}
      </Field>
      <Button type="submit" variant="primary" busy={checking}>
        Sign in
      </Button>
      <p className={s.note}>The token stays in this tab and is removed when you close it.</p>
    </form>
  );
}

/** Error message for the token, or null if the server accepts it. Keeps a valid token. */
async function verifyToken(value: string): Promise<string | null> {
  token.set(value);
  try {
    await getJson("/api/projects", { query: { limit: 1 } });
    return null;
  } catch (error) {
    token.clear();
    return error instanceof ApiError && [401, 403].includes(error.status) ? REFUSED : explain(error);
  }
}
