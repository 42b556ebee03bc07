import { Link } from "react-router";

import type { Run } from "@/services/runs";
import { dateTime, number } from "@/ui/format";
import { Panel } from "@/ui/Panel";

import s from "./RunFacts.module.css";

/** Options and technical details of a run. */
export function RunFacts({ run }: { run: Run }) {
  const { options } = run;
  return (
    <Panel title="Details">
      <dl className={s.facts}>
        <Fact name="Started">{run.startedAt === null ? "–" : dateTime(new Date(run.startedAt))}</Fact>
        <Fact name="Ended">{run.completedAt === null ? "–" : dateTime(new Date(run.completedAt))}</Fact>
        <Fact name="Model">{run.ai === "mock" ? "Mock" : run.model}</Fact>
        <Fact name="Detail">{options.mode}</Fact>
        <Fact name="Existing results">{options.existingBehavior}</Fact>
        <Fact name="Pacing">{options.pacing}</Fact>
        <Fact name="Cache reads">{number(run.tokens.cacheRead)} tokens</Fact>
        <Fact name="Attempts">{run.attempts}</Fact>
        <Fact name="Invocations">{run.hops}</Fact>
        {run.retryOf && (
          <Fact name="Retry of">
            <Link to={`/projects/${run.projectId ?? ""}/runs/${run.retryOf}`}>previous run</Link>
          </Fact>
        )}
      </dl>
      <p className={`${s.id} mono`}>{run.runId}</p>
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div className={s.fact}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
