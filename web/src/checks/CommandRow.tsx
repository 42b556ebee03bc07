import { ChevronRight } from "lucide-react";
import { useState } from "react";

import { Status } from "@/plans/PlanBadge";
import type { CheckStatus, CommandResult } from "@/services/checks";
import { money } from "@/ui/format";
import { StatusBadge } from "@/ui/StatusBadge";

import s from "./Checks.module.css";
import { CommandLog } from "./CommandLog";
import { COMMAND_STATUSES, describeEnd, statusOf } from "./statuses";

/** Lower costs round to zero. */
const MIN_COST_USD = 0.0001;

type Props = { result: CommandResult & { status?: CheckStatus; costUsd?: number } };

/** Command with its result; opens to its log. Open while it runs and after a failure. */
export function CommandRow({ result }: Props) {
  const status = statusOf(result);
  const [chosen, choose] = useState<boolean | null>(null);
  const isOpen = chosen ?? (status !== "passed" || result.flaky);
  return (
    <li className={s.command}>
      <details open={isOpen}>
        <summary
          className={s.summary}
          onClick={(event) => {
            event.preventDefault();
            choose(!isOpen);
          }}
        >
          <ChevronRight size={14} aria-hidden className={s.arrow} />
          <code className={s.line}>{result.command}</code>
          <span className={s.badges}>
            {result.setup && <span className={s.fact}>set-up</span>}
            {result.flaky && <StatusBadge tone="amber">Flaky</StatusBadge>}
            <Status shown={COMMAND_STATUSES[status]} />
          </span>
          <span className={s.end}>
            {describeEnd(result)}
            {result.costUsd && result.costUsd >= MIN_COST_USD ? `, ${money(result.costUsd)}` : ""}
          </span>
        </summary>
        {isOpen && <Details result={result} isLive={status === "running"} />}
      </details>
    </li>
  );
}

function Details({ result, isLive }: { result: CommandResult; isLive: boolean }) {
  return (
    <div className={s.details}>
      {result.detail && <p className={s.detail}>{result.detail}</p>}
      {result.flaky && (
        <p className={s.note}>Flaky: failed, then passed on a second run. Log of the failure:</p>
      )}
      {result.log ? (
        <CommandLog text={result.log} label={`Log of ${result.command}`} isLive={isLive} />
      ) : (
        <p className={s.note}>{isLive ? "No output yet." : "No output."}</p>
      )}
      {result.logTruncated && <p className={s.note}>The log is shortened in the middle.</p>}
    </div>
  );
}
