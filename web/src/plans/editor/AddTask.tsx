import { Plus } from "lucide-react";
import { type SyntheticEvent, useState } from "react";

import type { Phase, Plan } from "@/plans/model";
import { usePlanEdit } from "@/plans/usePlanEdit";
import { addTask } from "@/services/plans";
import { Button } from "@/ui/Button";

import s from "./Editor.module.css";

/** Input for a new task; Enter adds it and clears the input. */
export function AddTask({ plan, phase }: { plan: Plan; phase: Phase }) {
  const [title, setTitle] = useState("");
  const edit = usePlanEdit(plan.id);
  const add = (event: SyntheticEvent) => {
    event.preventDefault();
    const wanted = title.trim();
    if (!wanted || edit.isPending) return;
    edit.mutate(
      { send: (version) => addTask({ phaseId: phase.id, title: wanted }, version) },
      // keep text typed during the request
      { onSuccess: () => setTitle((now) => (now.trim() === wanted ? "" : now)) },
    );
  };
  return (
    <form className={s.add} onSubmit={add}>
      <Plus size={16} aria-hidden />
      <input
        className={s.addInput}
        value={title}
        maxLength={300}
        placeholder="Add a task"
        aria-label={`New task in ${phase.title}`}
        onChange={(event) => setTitle(event.target.value)}
      />
      {title.trim() && (
        <Button type="submit" size="s" busy={edit.isPending}>
          Add
        </Button>
      )}
    </form>
  );
}
