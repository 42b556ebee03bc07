import { RadioGroup } from "radix-ui";

import { type Effort, EFFORTS } from "@/plans/model";

import s from "./EditPanel.module.css";

export function EffortField({ value, onChange }: { value: Effort; onChange: (value: Effort) => void }) {
  return (
    <div>
      <p className={s.legend} id="effort">
        Effort
      </p>
      <RadioGroup.Root
        className={s.efforts}
        aria-labelledby="effort"
        value={value}
        onValueChange={(chosen) => onChange(chosen as Effort)}
      >
        {EFFORTS.map((effort) => (
          <RadioGroup.Item key={effort} value={effort} className={s.effort}>
            {effort}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
    </div>
  );
}
