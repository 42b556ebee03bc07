import { Tabs as T } from "radix-ui";
import type { ReactNode } from "react";

import s from "./Tabs.module.css";

export type Tab = { value: string; label: string; count?: number; content: ReactNode };

/** Only the chosen tab's content is mounted. */
export function Tabs(props: {
  label: string;
  tabs: Tab[];
  value: string;
  onValueChange: (value: string) => void;
}) {
  const { label, tabs, value, onValueChange } = props;
  return (
    <T.Root value={value} onValueChange={onValueChange}>
      <T.List className={s.list} aria-label={label}>
        {tabs.map((tab) => (
          <T.Trigger key={tab.value} value={tab.value} className={s.tab}>
            {tab.label}
            {tab.count !== undefined && <span className={s.count}>{tab.count.toLocaleString("en")}</span>}
          </T.Trigger>
        ))}
      </T.List>
      {tabs.map((tab) => (
        <T.Content key={tab.value} value={tab.value} className={s.content}>
          {tab.content}
        </T.Content>
      ))}
    </T.Root>
  );
}
