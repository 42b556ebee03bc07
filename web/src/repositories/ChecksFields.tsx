import type { Checks } from "@/services/checks";
import { Checkbox } from "@/ui/Checkbox";
import { Field } from "@/ui/Field";

import s from "./ChecksDialog.module.css";
import type { ChecksForm } from "./checksForm";

type ErrorOf = (field: keyof Checks) => string | null;
type Props = { form: ChecksForm; onChange: (form: ChecksForm) => void; errorOf: ErrorOf };

/** Fields of a repository's checks. */
export function ChecksFields(props: Props) {
  const { form, onChange } = props;
  return (
    <>
      <Lines
        {...props}
        name="setup"
        label="Set-up"
        hint="Commands to install what the checks need, one per line."
      />
      <Lines
        {...props}
        name="verify"
        label="Checks"
        hint="Commands to prove a change, one per line. All must exit with 0. Empty: changes land unchecked."
      />
      <Lines
        {...props}
        name="allowed"
        label="Allowed programs"
        hint="Other programs a session may run, one per line."
      />
      <Checkbox checked={form.isOnline} onCheckedChange={(isOnline) => onChange({ ...form, isOnline })}>
        The set-up may reach package registries and the hosts below
        <span className={s.why}>Checks never reach the network.</span>
      </Checkbox>
      {form.isOnline && (
        <Lines
          {...props}
          name="hosts"
          label="Further hosts"
          hint="name, *.name or name:port, one per line."
          rows={2}
        />
      )}
      <div className={s.pair}>
        <Limit {...props} name="timeoutS" label="Time limit (s)" min={1} />
        <Limit {...props} name="memoryMb" label="Memory limit (MB)" min={64} />
      </div>
      <Lines
        {...props}
        name="env"
        label="Variables"
        hint="NAME=value, one per line. Not for secrets: the commands run untrusted code."
        rows={2}
      />
      <Checkbox
        checked={form.requireReview}
        onCheckedChange={(requireReview) => onChange({ ...form, requireReview })}
      >
        Review each change
        <span className={s.why}>A second session reviews it before it lands.</span>
      </Checkbox>
      <Checkbox
        checked={form.allowRedBaseline}
        onCheckedChange={(allowRedBaseline) => onChange({ ...form, allowRedBaseline })}
      >
        Run plans while the checks fail on the default branch
        <span className={s.why}>Changes are reviewed and not marked as passed.</span>
      </Checkbox>
    </>
  );
}

type LinesProps = Props & {
  name: "setup" | "verify" | "allowed" | "hosts" | "env";
  label: string;
  hint: string;
  rows?: number;
};

function Lines({ form, onChange, errorOf, name, label, hint, rows = 3 }: LinesProps) {
  return (
    <Field label={label} hint={hint} error={errorOf(name)}>
      {(props) => (
        <textarea
          {...props}
          className={`${props.className} mono`}
          rows={rows}
          spellCheck={false}
          value={form[name]}
          onChange={(event) => onChange({ ...form, [name]: event.target.value })}
        />
      )}
    </Field>
  );
}

type LimitProps = Props & { name: "timeoutS" | "memoryMb"; label: string; min: number };

function Limit({ form, onChange, errorOf, name, label, min }: LimitProps) {
  return (
    <Field label={label} hint="For each command." error={errorOf(name)}>
      {(props) => (
        <input
          {...props}
          type="number"
          min={min}
          required
          value={form[name]}
          onChange={(event) => onChange({ ...form, [name]: event.target.value })}
        />
      )}
    </Field>
  );
}
