import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { explain } from "@/api/errors";
import { CommandRow } from "@/checks/CommandRow";
import c from "@/checks/Checks.module.css";
import { BASELINE_STATUSES } from "@/checks/statuses";
import { Status } from "@/plans/PlanBadge";
import { type Baseline, baselineQuery, isInProgress, type SuggestedCommands } from "@/services/checks";
import type { Repository } from "@/services/repositories";
import { Button } from "@/ui/Button";
import { dateTime, duration, money } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { Skeleton } from "@/ui/Skeleton";

import s from "./ChecksDialog.module.css";

type Props = {
  repository: Repository;
  action: ReactNode;
  onUse: (suggested: SuggestedCommands) => void;
  isUsed: (suggested: SuggestedCommands) => boolean;
};

/** Last baseline of a repository, with its commands and the suggested ones. */
export function BaselineView({ repository, action, onUse, isUsed }: Props) {
  const { data, error } = useQuery(baselineQuery(repository.id));
  return (
    <section className={s.baseline} aria-label="Baseline">
      <header className={s.head}>
        <h3>Baseline</h3>
        {action}
      </header>
      <p className={c.note}>Runs the saved checks on the head of {repository.defaultBranch}.</p>
      {error && !data && <Notice tone="error">{explain(error)}</Notice>}
      {data === undefined && !error && <Skeleton lines={3} />}
      {data === null && <p className={c.note}>No baseline yet.</p>}
      {data && <Result baseline={data} isFailureAllowed={repository.checks?.allowRedBaseline ?? false} />}
      {data && hasCommands(data.suggested) && (
        <Suggestion suggested={data.suggested} isUsed={isUsed(data.suggested)} onUse={onUse} />
      )}
    </section>
  );
}

const BROKEN = "The default branch itself is broken. Repair it and run the baseline again.";

type ResultProps = { baseline: Baseline; isFailureAllowed: boolean };

function Result({ baseline, isFailureAllowed }: ResultProps) {
  const { status, steps, reason, activity } = baseline;
  return (
    <>
      <div className={s.status} role="status" aria-label="Status of the baseline">
        <Status shown={BASELINE_STATUSES[status]} />
        {isInProgress(baseline) && activity && <span>{activity}</span>}
        <span className={c.basis}>{facts(baseline)}</span>
      </div>
      {reason && (
        <Notice tone={status === "failed" ? "error" : "warning"} title="The checks could not run">
          {reason}
        </Notice>
      )}
      {status === "failed" && (
        <Notice tone="warning">
          {BROKEN}{" "}
          {isFailureAllowed ? "Until then no change counts as passed." : "Until then no plan starts."}
        </Notice>
      )}
      {steps.length > 0 && (
        <ol className={c.commands} aria-label="Commands of the baseline">
          {steps.map((step, index) => (
            <CommandRow key={index} result={step} />
          ))}
        </ol>
      )}
    </>
  );
}

function facts({ commit, seconds, costUsd, endedAt }: Baseline): string {
  return [
    commit && `commit ${commit.slice(0, 7)}`,
    endedAt && dateTime(new Date(endedAt)),
    seconds > 0 && duration(seconds * 1000),
    costUsd > 0 && money(costUsd),
  ]
    .filter(Boolean)
    .join(", ");
}

function hasCommands({ setup, verify }: SuggestedCommands): boolean {
  return setup.length + verify.length > 0;
}

type SuggestionProps = { suggested: SuggestedCommands; isUsed: boolean; onUse: Props["onUse"] };

function Suggestion({ suggested, isUsed, onUse }: SuggestionProps) {
  return (
    <section className={s.suggestion} aria-label="Suggested commands">
      <header className={s.head}>
        <h4>Suggested commands</h4>
        <Button size="s" disabled={isUsed} onClick={() => onUse(suggested)}>
          {isUsed ? "In use" : "Use suggestion"}
        </Button>
      </header>
      <Commands name="Set-up" lines={suggested.setup} />
      <Commands name="Checks" lines={suggested.verify} />
    </section>
  );
}

function Commands({ name, lines }: { name: string; lines: string[] }) {
  if (lines.length === 0) return null;
  return (
    <div>
      <p className={c.note}>{name}</p>
      <ul>
        {lines.map((line) => (
          <li key={line}>
            <code className={c.line}>{line}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}
