import { Check, Copy, Download, type LucideIcon, X } from "lucide-react";

import { Button } from "@/ui/Button";
import { number, plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { saveFile } from "@/ui/saveFile";

import s from "./Import.module.css";
import { rejectedCsv } from "./rejectedCsv";
import { RejectedRows } from "./RejectedRows";
import type { ImportResult as Result } from "./useImport";

/** Result of an import. */
export function ImportResult({ result }: { result: Result }) {
  const { created, duplicates, rejectedCount, rejected, warnings } = result.totals;
  return (
    <>
      <ul className={s.results}>
        <Count icon={Check} tone={s.good} count={created} label="new" />
        <Count icon={Copy} tone={s.neutral} count={duplicates} label="duplicates" />
        <Count icon={X} tone={s.wrong} count={rejectedCount} label="rejected" />
      </ul>
      {warnings.length > 0 && (
        <Notice tone="info" title="Notes">
          <ul className={s.warnings}>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Notice>
      )}
      {rejected.length > 0 && <Rejected result={result} />}
    </>
  );
}

function Rejected({ result }: { result: Result }) {
  const { rejectedCount, rejected } = result.totals;
  const download = async () => {
    const name = result.state.name.replace(/\.[^.]*$/, "");
    saveFile(await rejectedCsv(rejected, result.file, result.state), `${name}-rejected.csv`);
  };
  const unlisted = rejectedCount - rejected.length;
  return (
    <section>
      <div className={s.rejectedBar}>
        <h3 className={s.subtitle}>Rejected rows</h3>
        <Button size="s" icon={Download} onClick={() => void download()}>
          Download as CSV
        </Button>
      </div>
      {unlisted > 0 && (
        <p className={s.summary}>
          The first {number(rejected.length)} are listed and in the download. The browser does not keep the
          other {plural(unlisted, "row")}: split the file to get them all.
        </p>
      )}
      <RejectedRows rows={rejected} count={rejected.length} />
    </section>
  );
}

type CountProps = { icon: LucideIcon; tone: string | undefined; count: number; label: string };

function Count({ icon: Icon, tone, count, label }: CountProps) {
  return (
    <li className={s.result}>
      <span className={`${s.resultIcon} ${count > 0 ? tone : s.neutral}`}>
        <Icon size={16} aria-hidden />
      </span>
      <strong>{number(count)}</strong> {label}
    </li>
  );
}
