import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, FileUp, Play } from "lucide-react";
import { Link } from "react-router";

import { explain } from "@/api/errors";
import {
  type Import,
  importKeys,
  importsQuery,
  isMoving,
  rejectedRowsOf,
  startImport,
} from "@/services/imports";
import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { ErrorState } from "@/ui/ErrorState";
import { ago, dateTime, fileSize, number, plural } from "@/ui/format";
import { Panel } from "@/ui/Panel";
import { saveFile } from "@/ui/saveFile";
import { Skeleton } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { useNow } from "@/ui/useNow";

import { ImportStatusBadge } from "./ImportStatusBadge";
import s from "./ImportsSection.module.css";
import { rejectedRowsCsv } from "./rejectedRowsCsv";

/** Imports of files in the bucket: uploads of this page, and files of other programs. */
export function ImportsSection({ projectId }: { projectId: string }) {
  const query = useQuery(importsQuery(projectId));
  const now = useNow();
  if (query.isPending) return <Skeleton lines={5} height={40} />;
  if (!query.data) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data.length === 0) {
    return (
      <EmptyState icon={FileUp} title="No imports yet">
        Large files are imported in the background and listed here. Other programs can put files into the
        bucket under <code>imports/{projectId}/</code>.
      </EmptyState>
    );
  }
  return (
    <Panel flush label="Imports">
      <ul>
        {query.data.map((one) => (
          <ImportRow key={one.id} one={one} now={now} />
        ))}
      </ul>
    </Panel>
  );
}

function ImportRow({ one, now }: { one: Import; now: number }) {
  const created = new Date(one.createdAt);
  const path = `/projects/${one.projectId}/runs/${one.runId ?? ""}`;
  return (
    <li className={s.row}>
      <div className={s.what}>
        {one.runId ? (
          <Link to={path} className={s.name}>
            {one.name}
          </Link>
        ) : (
          <span className={s.name}>{one.name}</span>
        )}
        <span className={s.when}>
          {one.origin === "drop" ? "From the bucket" : "Upload"} · {fileSize(one.size)} ·{" "}
          <time dateTime={created.toISOString()} title={dateTime(created)}>
            {ago(created, now)}
          </time>
        </span>
      </div>
      <ImportStatusBadge status={one.status} />
      <span className={s.counts}>{countsOf(one)}</span>
      <Actions one={one} />
      {one.error && <p className={s.problem}>{one.error.message}</p>}
    </li>
  );
}

function countsOf({ counts, status }: Import): string {
  const { created, duplicates, rejected } = counts;
  if (created + duplicates + rejected === 0 && (status === "AWAITING_UPLOAD" || status === "REFUSED"))
    return "";
  const parts = [`${number(created)} new`];
  if (duplicates) parts.push(plural(duplicates, "duplicate"));
  if (rejected) parts.push(`${number(rejected)} rejected`);
  return parts.join(", ");
}

function Actions({ one }: { one: Import }) {
  const queries = useQueryClient();
  const start = useMutation({
    mutationFn: () => startImport(one.id),
    onError: (error) => toast.error("Could not start the import", explain(error)),
    onSettled: () => queries.invalidateQueries({ queryKey: importKeys.list(one.projectId) }),
  });
  const download = useMutation({
    mutationFn: async () =>
      saveFile(rejectedRowsCsv(await rejectedRowsOf(one.id)), `${one.name}-rejected.csv`),
    onError: (error) => toast.error("Could not load the rejected rows", explain(error)),
  });
  return (
    <span className={s.actions}>
      {one.status === "AWAITING_UPLOAD" && (
        <Button size="s" icon={Play} busy={start.isPending} onClick={() => start.mutate()}>
          Start
        </Button>
      )}
      {one.counts.rejected > 0 && !isMoving(one) && (
        <Button size="s" icon={Download} busy={download.isPending} onClick={() => download.mutate()}>
          Rejected rows
        </Button>
      )}
    </span>
  );
}
