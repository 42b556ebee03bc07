import { useState } from "react";
import { useSearchParams } from "react-router";
import { ListTree, Waypoints } from "lucide-react";

import { LazyPlanGraph } from "@/plans/graph/LazyPlanGraph";
import { usePlanContext } from "@/plans/planContext";
import { ViewSwitch } from "@/ui/ViewSwitch";

import { Attention } from "./Attention";
import { NotStarted } from "./NotStarted";
import { Events } from "./Events";
import s from "./Execution.module.css";
import { PhaseProgressList } from "./PhaseProgressList";
import { RollbackBanner } from "./RollbackBanner";
import { ExecutionSummary } from "./ExecutionSummary";
import { TaskPanel } from "./TaskPanel";

/** Execution of a plan: decisions, progress and tasks. */
export function Component() {
  const context = usePlanContext();
  const { plan, progress } = context;
  const [search, setSearch] = useSearchParams();
  const [view, setView] = useState<"list" | "graph">(() => (window.innerWidth < 720 ? "list" : "graph"));
  const chosenId = search.get("task");
  const choose = (id: string | null) =>
    setSearch(id ? { task: id } : {}, { replace: true, preventScrollReset: true });
  const chosen = progress.tasks.find(({ id }) => id === chosenId);
  if (progress.execution === 0) return <NotStarted {...context} />;
  return (
    <div className={s.page}>
      <Attention {...context} onChoose={choose} />
      <RollbackBanner {...context} />
      <ExecutionSummary {...context} />
      <section className={s.work} aria-label="Tasks">
        <header className={s.workHeader}>
          <h2>Tasks</h2>
          <ViewSwitch
            label="Task view"
            value={view}
            onChange={setView}
            choices={[
              { value: "graph", label: "Graph", icon: Waypoints },
              { value: "list", label: "List", icon: ListTree },
            ]}
          />
        </header>
        {view === "graph" && (
          <LazyPlanGraph
            plan={plan}
            states={new Map(progress.tasks.map((task) => [task.id, task]))}
            currentPhaseId={progress.currentPhaseId}
            chosenId={chosenId}
            onChoose={choose}
          />
        )}
        <PhaseProgressList {...context} onChoose={choose} />
      </section>
      <Events progress={progress} onChoose={choose} />
      {chosen && <TaskPanel {...context} task={chosen} onClose={() => choose(null)} />}
    </div>
  );
}
