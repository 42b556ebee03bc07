import { ArrowRight } from "lucide-react";

import type { Iteration } from "@/plans/model";
import { duration } from "@/ui/format";

import s from "./Reviews.module.css";

type Schedule = { criticalPathSeconds: number; seconds: number; maxParallelism: number };

/** What the order that is suggested is worth, as code reckons it. */
export function ScheduleEffect({ schedule }: { schedule: Iteration["schedule"] }) {
  const { before, after } = (schedule ?? {}) as { before?: Schedule; after?: Schedule };
  if (!before || !after) return null;
  return (
    <dl className={s.effect} aria-label="What all of it together is worth">
      <Effect name="Time" before={duration(before.seconds * 1000)} after={duration(after.seconds * 1000)} />
      <Effect
        name="Longest chain"
        before={duration(before.criticalPathSeconds * 1000)}
        after={duration(after.criticalPathSeconds * 1000)}
      />
      <Effect name="At once" before={String(before.maxParallelism)} after={String(after.maxParallelism)} />
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
          <span className={s.same}>as it is</span>
        ) : (
          <>
            <ArrowRight size={14} aria-label="becomes" /> <strong>{after}</strong>
          </>
        )}
      </dd>
    </div>
  );
}
