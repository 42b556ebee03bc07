import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect } from "react";

import { explain } from "@/api/errors";
import { flatten } from "@/api/pages";
import { CommandRow } from "@/checks/CommandRow";
import c from "@/checks/Checks.module.css";
import { groupChecks, type CheckGroup } from "@/checks/groups";
import { taskChecksQuery, type Verified } from "@/services/checks";
import { Button } from "@/ui/Button";
import { timeOfDay } from "@/ui/format";
import { Skeleton } from "@/ui/Skeleton";

import s from "./TaskPanel.module.css";

type Props = { taskId: string; verified: Verified | null; isLive: boolean };

/** Checks of a task with their logs, the latest first; live while the task runs. */
export function TaskChecks({ taskId, verified, isLive }: Props) {
  const checks = useInfiniteQuery(taskChecksQuery(taskId, isLive));
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = checks;
  useEffect(() => {
    // the last check ends after the last poll
    if (!isLive) void refetch();
  }, [isLive, refetch]);
  const groups = groupChecks(flatten(data));
  return (
    <section className={s.section} aria-label="Checks">
      <h3>Checks {isLive && <span className={s.live}>live</span>}</h3>
      {error && !data && <p className={s.error}>{explain(error)}</p>}
      {!data && !error && <Skeleton lines={2} />}
      {data && groups.length === 0 && (
        <p className={s.none}>{isLive ? "No check has started yet." : reasonOfNone(verified)}</p>
      )}
      {groups.map((group) => (
        <Check key={group.key} group={group} />
      ))}
      {hasNextPage && (
        <Button size="s" busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Show earlier checks
        </Button>
      )}
    </section>
  );
}

/** Reason why a task without checks has none. */
function reasonOfNone(verified: Verified | null): string {
  if (verified === "not_configured") return "The repository has no checks.";
  return verified === "not_run" ? "Checks are turned off on this system." : "No checks were run.";
}

function Check({ group }: { group: CheckGroup }) {
  return (
    <div className={c.check}>
      <h4>{group.title}</h4>
      <p className={c.basis}>
        <span title={group.tree}>
          tree <span className="mono">{group.tree.slice(0, 7)}</span>
        </span>{" "}
        <span title={group.commit}>
          on commit <span className="mono">{group.commit.slice(0, 7)}</span>
        </span>
        {group.startedAt && `, ${timeOfDay(new Date(group.startedAt))}`}
      </p>
      <ol className={c.commands} aria-label={`${group.title}: commands`}>
        {group.commands.map((command, index) => (
          <CommandRow key={index} result={command} />
        ))}
      </ol>
    </div>
  );
}
