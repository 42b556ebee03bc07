import { ArrowRight } from "lucide-react";

import type { Iteration } from "@/plans/model";
import { duration } from "@/ui/format";

import s from "./Reviews.module.css";

type Schedule = { criticalPathSeconds: number; seconds: number; maxParallelism: number };

/** Computed effect of the suggestions on the schedule. */
export function ScheduleEffect({ schedule }: { schedule: Iteration["schedule"] }) {
  const { before, after } = (schedule ?? {}) as { before?: Schedule; after?: Schedule };
  if (!before || !after) return null;
  return (
    <dl className={s.effect} aria-label="Effect of all suggestions">
      <Effect name="Time" before={duration(before.seconds * 1000)} after={duration(after.seconds * 1000)} />
      <Effect
        name="Critical path"
        before={duration(before.criticalPathSeconds * 1000)}
        after={duration(after.criticalPathSeconds * 1000)}
      />
      <Effect
        name="Parallel tasks"
        before={String(before.maxParallelism)}
        after={String(after.maxParallelism)}
      />
    </dl>
  );
}

function Effect({ name, before, after }: { name: string; before: string; after: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {before}
        {before === after ? (
          <span className={s.same}>unchanged</span>
        ) : (
          <>
            <ArrowRight size={14} aria-label="becomes" /> <strong>{after}</strong>
          </>
        )}
      </dd>
    </div>
  );
}
