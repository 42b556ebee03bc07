import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";

import { explain } from "@/api/errors";
import type { Plan } from "@/plans/model";
import { comparisonQuery } from "@/services/plans";
import { IconButton } from "@/ui/Button";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/Skeleton";

import { Changes } from "./Changes";
import s from "./History.module.css";

type Props = {
  plan: Plan;
  from: number | null;
  to: number | null;
  onChange: (name: "from" | "to", value: string | null) => void;
};

const NONE = "none";

/** Compare two versions. */
export function Compare({ plan, from, to, onChange }: Props) {
  const versions = Array.from({ length: plan.version }, (_, index) => plan.version - index);
  const options = versions.map((version) => ({
    value: String(version),
    label: version === plan.version ? `Version ${version} (current)` : `Version ${version}`,
  }));
  const until = to ?? plan.version;
  return (
    <section className={s.compare} aria-label="Compare versions">
      <div className={s.choose}>
        <span>Compare</span>
        <Select
          label="Compare this version"
          size="s"
          value={from === null ? NONE : String(from)}
          onValueChange={(value) => onChange("from", value === NONE ? null : value)}
          options={[{ value: NONE, label: "Select a version" }, ...options]}
        />
        <span>with</span>
        <Select
          label="With this version"
          size="s"
          value={String(until)}
          onValueChange={(value) => onChange("to", value)}
          options={options}
        />
        {from !== null && (
          <IconButton label="Clear comparison" icon={X} size="s" onClick={() => onChange("from", null)} />
        )}
      </div>
      {from !== null && <Comparison plan={plan} from={from} to={until} />}
    </section>
  );
}

function Comparison({ plan, from, to }: { plan: Plan; from: number; to: number }) {
  const { data, error } = useQuery(comparisonQuery(plan.id, from, to));
  if (error) return <p className={s.error}>{explain(error)}</p>;
  return data ? <Changes plan={plan} changes={data.changes} /> : <Skeleton lines={4} />;
}
