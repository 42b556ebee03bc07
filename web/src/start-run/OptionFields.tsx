import type { BacklogRunType, RunOptions } from "@/services/runs";
import { runTypeLabels } from "@/runs/labels";
import { Field } from "@/ui/Field";
import { type Choice, RadioCards } from "@/ui/RadioCards";

import type { RunDraft } from "./request";
import s from "./Starting.module.css";

type Props = { type: BacklogRunType; draft: RunDraft; onChange: (part: Partial<RunDraft>) => void };

export function OptionFields({ type, draft, onChange }: Props) {
  const { options } = draft;
  const set = (part: Partial<RunDraft["options"]>) => onChange({ options: { ...options, ...part } });
  return (
    <>
      {modesOf(type) && (
        <RadioCards
          label="Detail"
          value={options.mode}
          onValueChange={(mode) => set({ mode })}
          choices={modesOf(type) ?? []}
        />
      )}
      <RadioCards
        label="Existing results"
        value={options.existingBehavior}
        onValueChange={(existingBehavior) => set({ existingBehavior })}
        choices={existingOf(type)}
      />
      <RadioCards
        label="Pacing"
        value={options.pacing}
        onValueChange={(pacing) => set({ pacing })}
        choices={PACINGS}
      />
      <div className={s.limit}>
        <Field label="Cost limit (USD)" hint="Optional. No new call starts above it.">
          {(props) => (
            <input
              {...props}
              inputMode="decimal"
              placeholder="No limit"
              value={draft.limit}
              onChange={(event) => onChange({ limit: event.target.value })}
            />
          )}
        </Field>
      </div>
    </>
  );
}

const PACINGS: Choice<RunOptions["pacing"]>[] = [
  { value: "safe", label: "Safe", hint: "One call at a time, 2 s between starts" },
  { value: "normal", label: "Normal", hint: "Three calls at a time, 1 s between starts" },
  { value: "fast", label: "Fast", hint: "As many as the rate limits allow" },
];

/** Modes set the number of children per parent; null if the type has no modes. */
function modesOf(type: BacklogRunType): Choice<RunOptions["mode"]>[] | null {
  if (type === "ANALYZE_CARDS" || type === "GENERATE_EPICS") return null;
  const each = type === "GENERATE_STORIES" ? "stories per epic" : "subtasks per story";
  return [
    { value: "compact", label: "Compact", hint: `3–5 ${each}` },
    { value: "standard", label: "Standard", hint: `5–8 ${each}` },
    { value: "detailed", label: "Detailed", hint: `8–12 ${each}` },
  ];
}

function existingOf(type: BacklogRunType): Choice<RunOptions["existingBehavior"]>[] {
  const [one, many] = runTypeLabels(type).source;
  const makes = runTypeLabels(type).results[1];
  if (type === "GENERATE_EPICS") {
    return [
      { value: "skip", label: "Keep", hint: "Use only cards without an epic" },
      {
        value: "replace",
        label: "Replace",
        hint: "Replace all epics, stories and subtasks",
      },
    ];
  }
  if (type === "ANALYZE_CARDS") {
    return [
      { value: "skip", label: "Skip", hint: "Skip analyzed cards" },
      { value: "replace", label: "Replace", hint: "Replace the existing analysis" },
    ];
  }
  const below = type === "GENERATE_STORIES" ? " and their subtasks" : "";
  return [
    {
      value: "skip",
      label: "Skip",
      hint: `Skip ${many} that have ${makes}`,
    },
    {
      value: "replace",
      label: "Replace",
      hint: `Replace the ${makes} of each ${one}${below}`,
    },
  ];
}
