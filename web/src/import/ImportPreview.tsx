import { Checkbox } from "@/ui/Checkbox";
import { Field } from "@/ui/Field";
import { plural } from "@/ui/format";
import { Notice } from "@/ui/Notice";
import { RadioCards } from "@/ui/RadioCards";
import { Select } from "@/ui/Select";

import { withChosenRoles } from "./choices";
import { ColumnTable } from "./ColumnTable";
import { FirstCards } from "./FirstCards";
import s from "./Import.module.css";
import { delimiterOptions, encodingLabel, encodingOptions, formatLabel, NO_DELIMITER } from "./labels";
import { RejectedRows } from "./RejectedRows";
import type { PreviewState, ShownPreview } from "./usePreview";

type Props = { preview: ShownPreview; state: PreviewState };

/** Preview of how the server reads the file, with choices to change it. */
export function ImportPreview({ preview, state }: Props) {
  const columns = withChosenRoles(preview.columns, state.choices);
  return (
    <div className={s.stack} aria-busy={state.isReading}>
      <Summary preview={preview} />
      {preview.warnings.length > 0 && (
        <Notice tone="warning" title="Check the preview">
          <ul className={s.warnings}>
            {preview.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Notice>
      )}
      <ReadingChoices preview={preview} state={state} />
      {!columns.some(({ role }) => role === "text") && (
        <Notice tone="warning" title="Which column has the feedback?">
          The feedback column was not recognized. Choose “Feedback text” for the column below.
        </Notice>
      )}
      {columns.length > 0 && <ColumnTable columns={columns} onRole={state.changeRole} />}
      <ContentChoices state={state} hasPersonal={columns.some(({ role }) => role === "personal")} />
      {preview.rejectedCount > 0 && (
        <Notice tone="warning" title={`${plural(preview.rejectedCount, "row")} will be rejected`}>
          <RejectedRows rows={preview.rejected} count={preview.rejectedCount} />
        </Notice>
      )}
      {preview.first.length > 0 && <FirstCards cards={preview.first} />}
    </div>
  );
}

function Summary({ preview }: { preview: ShownPreview }) {
  const { format, rows, columns, isWhole } = preview;
  return (
    <p className={s.summary} role="status">
      <strong>{format ? `${formatLabel(format)} export` : "Unknown format"}</strong>, {plural(rows, "row")}
      {!isWhole && " in the first 2 MB"}
      {columns.length > 0 && `, ${plural(columns.length, "column")}`}
    </p>
  );
}

function ReadingChoices({ preview, state }: Props) {
  const { encoding, delimiter, alternatives, type } = preview;
  if (type === "xlsx") return null;
  const isTable = type === "csv";
  const hasTimes = withChosenRoles(preview.columns, state.choices).some(({ role }) => role === "postedAt");
  return (
    <>
      {alternatives.length > 0 && (
        <RadioCards
          label="Which lines are right?"
          value={encoding}
          onValueChange={(charset) => state.reread({ charset })}
          choices={alternatives.map((one) => ({
            value: one.encoding,
            label: encodingLabel(one.encoding),
            hint: one.lines.join(" ⏎ "),
          }))}
        />
      )}
      <div className={s.fields}>
        <Field label="Encoding">
          {({ id }) => (
            <Select
              id={id}
              label="Encoding"
              value={encoding}
              options={encodingOptions(encoding)}
              onValueChange={(charset) => state.reread({ charset })}
            />
          )}
        </Field>
        {isTable && (
          <Field label="Delimiter">
            {({ id }) => (
              <Select
                id={id}
                label="Delimiter"
                value={delimiter ?? NO_DELIMITER}
                options={delimiterOptions(delimiter)}
                onValueChange={(chosen) => chosen !== NO_DELIMITER && state.reread({ delimiter: chosen })}
              />
            )}
          </Field>
        )}
        {isTable && hasTimes && (
          <Field label="Dates such as 03/04/2026">
            {({ id }) => (
              <Select
                id={id}
                label="Dates such as 03/04/2026"
                value={state.choices.dateOrder ?? preview.dateOrder ?? "unknown"}
                options={[
                  { value: "unknown", label: "Not known" },
                  { value: "dmy", label: "Day first" },
                  { value: "mdy", label: "Month first" },
                ]}
                onValueChange={(order) => {
                  if (order === "dmy" || order === "mdy") state.change({ dateOrder: order });
                }}
              />
            )}
          </Field>
        )}
      </div>
    </>
  );
}

function ContentChoices({ state, hasPersonal }: { state: PreviewState; hasPersonal: boolean }) {
  const { choices, change } = state;
  return (
    <div className={s.checks}>
      {hasPersonal && (
        <Checkbox checked={choices.keepPersonal} onCheckedChange={(keepPersonal) => change({ keepPersonal })}>
          Import personal data too (names, e-mail and IP addresses)
        </Checkbox>
      )}
      <Checkbox
        checked={choices.skipEqualTexts}
        onCheckedChange={(skipEqualTexts) => change({ skipEqualTexts })}
      >
        Skip rows whose text already exists in the project
      </Checkbox>
    </div>
  );
}
