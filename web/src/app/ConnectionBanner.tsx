import { useQueryClient } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";

import { getJson } from "@/api/client";
import { connection } from "@/api/connection";

import s from "./ConnectionBanner.module.css";

const EVERY_MS = 2_500;

/** Banner for a lost connection. Polls the server and refetches all data on reconnect. */
export function ConnectionBanner() {
  const reachable = useSyncExternalStore(connection.subscribe, connection.isReachable);
  useReconnect(reachable);
  return (
    <div role="status">
      {!reachable && (
        <p className={s.banner}>
          <WifiOff size={16} aria-hidden /> The server cannot be reached. Retrying; this page may be out of
          date.
        </p>
      )}
    </div>
  );
}

function useReconnect(reachable: boolean): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (reachable) return;
    const timer = setInterval(() => {
      getJson("/api/health").then(
        () => queries.invalidateQueries(),
        () => undefined,
      );
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [reachable, queries]);
}
