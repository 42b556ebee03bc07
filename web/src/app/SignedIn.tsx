import { type ReactNode, useSyncExternalStore } from "react";
import { Navigate, useLocation } from "react-router";

import { token } from "@/api/token";

/** Redirects to sign-in without a token, and back afterwards. */
export function SignedIn({ children }: { children: ReactNode }) {
  const value = useSyncExternalStore(token.subscribe, token.get);
  const location = useLocation();
  if (value !== null) return children;
  return <Navigate to="/sign-in" replace state={{ from: location.pathname + location.search }} />;
}
