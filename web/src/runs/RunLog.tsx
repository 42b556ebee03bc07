import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import { memo, useMemo } from "react";

import type { LogLine, Run, RunItem } from "@/services/runs";
import { timeOfDay } from "@/ui/format";
import { Panel } from "@/ui/Panel";
import { Skeleton } from "@/ui/Skeleton";

import s from "./RunLog.module.css";
import { useRunLog } from "./useRun";

/** Lines in the document; older ones are in the API's log. */
const SHOWN = 500;

/** Log of a run, newest first. */
export function RunLog({ run, items }: { run: Run; items: RunItem[] }) {
  const { data, error } = useRunLog(run.runId, run);
  const codes = useMemo(() => new Map(items.map((item) => [item.id, item.code])), [items]);
  return (
    <Panel title="Log" flush>
      {/* a box that scrolls must be reachable for the keyboard */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={s.box} role="region" aria-label="Log" tabIndex={0}>
        {!data && !error && <Skeleton lines={4} />}
        {!data && error && <p className={s.none}>Could not load the log.</p>}
        {data?.length === 0 && <p className={s.none}>No entries yet.</p>}
        <ol>
          {data
            ?.slice(-SHOWN)
            .reverse()
            .map((line) => (
              <Line key={line.seq} line={line} code={(line.itemId && codes.get(line.itemId)) ?? null} />
            ))}
        </ol>
      </div>
    </Panel>
  );
}

const Line = memo(function Line({ line, code }: { line: LogLine; code: string | null }) {
  const level = line.level.toLowerCase();
  const Icon = level === "error" ? CircleAlert : level.startsWith("warn") ? TriangleAlert : Info;
  const at = new Date(line.at);
  return (
    <li className={`${s.line} ${level === "error" ? s.error : level.startsWith("warn") ? s.warning : ""}`}>
      <time className={s.time} dateTime={at.toISOString()}>
        {timeOfDay(at)}
      </time>
      <Icon size={14} aria-label={level} className={s.icon} />
      <span className={s.message}>
        {code && <span className={s.code}>{code}</span>} {line.message}
      </span>
    </li>
  );
});
