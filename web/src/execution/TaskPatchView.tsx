import { useQuery } from "@tanstack/react-query";
import { Copy } from "lucide-react";

import { explain } from "@/api/errors";
import { patchQuery } from "@/services/executions";
import { Button } from "@/ui/Button";
import { Skeleton } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";

import s from "./TaskPanel.module.css";

/** Patch of a task as a unified diff. */
export function TaskPatchView({ taskId }: { taskId: string }) {
  const { data, error } = useQuery(patchQuery(taskId));
  const copy = (patch: string) =>
    navigator.clipboard.writeText(patch).then(
      () => toast.ok("Patch copied", "Apply it with git apply."),
      () => toast.error("Could not copy"),
    );
  return (
    <section className={s.section}>
      <h3>
        Change
        {data && (
          <Button size="s" variant="ghost" icon={Copy} onClick={() => void copy(data.patch)}>
            Copy
          </Button>
        )}
      </h3>
      {error && <p className={s.none}>{explain(error)}</p>}
      {!data && !error && <Skeleton lines={4} />}
      {data && (
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a long patch is scrolled by the keyboard too
        <pre className={s.patch} tabIndex={0} aria-label="Diff of the change">
          {data.patch.split("\n").map((line, index) => (
            <span key={index} className={s[kindOf(line)]}>
              {line}
              {"\n"}
            </span>
          ))}
        </pre>
      )}
    </section>
  );
}

function kindOf(line: string): "head" | "added" | "removed" | "hunk" | "same" {
  if (/^(diff|index|---|\+\+\+|new|deleted)/.test(line)) return "head";
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "added";
  return line.startsWith("-") ? "removed" : "same";
}
