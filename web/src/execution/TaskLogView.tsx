import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { explain } from "@/api/errors";
import type { LogLine } from "@/plans/model";
import { logQuery } from "@/services/executions";
import { timeOfDay } from "@/ui/format";
import { Skeleton } from "@/ui/Skeleton";

import s from "./TaskPanel.module.css";

/** Log of a task by turn; live while the task runs. */
export function TaskLogView({ taskId, isLive }: { taskId: string; isLive: boolean }) {
  const { data, error, refetch } = useQuery(logQuery(taskId, isLive));
  useEffect(() => {
    // the last turns arrive after the last poll
    if (!isLive) void refetch();
  }, [isLive, refetch]);
  const lines = data?.lines;
  return (
    <section className={s.section}>
      <h3>Log {isLive && <span className={s.live}>live</span>}</h3>
      {error && !lines && <p className={s.error}>{explain(error)}</p>}
      {!lines && !error && <Skeleton lines={3} />}
      {lines?.length === 0 && (
        <p className={s.none}>{isLive ? "The session has just started." : "No log entries."}</p>
      )}
      {lines && lines.length > 0 && <Lines lines={lines} />}
    </section>
  );
}

function Lines({ lines }: { lines: LogLine[] }) {
  const list = useAutoScroll(lines.length);
  return (
    // a long log is scrolled by the keyboard too
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <ol className={s.log} ref={list} tabIndex={0} aria-label="Task log">
      {lines.map((line, index) => (
        <li key={index} className={s.line}>
          <time dateTime={line.at}>{timeOfDay(new Date(line.at))}</time>
          <div>
            <p className={s.tools}>
              <span className={s.turn}>turn {line.turn}</span>{" "}
              {line.tools.length > 0 ? line.tools.join(", ") : line.message ? "" : "no tool calls"}
              {line.files.length > 0 && <span className="mono"> {line.files.join(", ")}</span>}
            </p>
            {line.message && <p className={s.message}>{line.message}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}

/** Scroll to new lines unless the reader has scrolled up. */
function useAutoScroll(count: number) {
  const list = useRef<HTMLOListElement>(null);
  const [seen, setSeen] = useState(0);
  useEffect(() => {
    const element = list.current;
    if (!element || count === seen) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (seen === 0 || below < 160) element.scrollTop = element.scrollHeight;
    setSeen(count);
  }, [count, seen]);
  return list;
}
