import { FolderPlus, ListTree, SlidersHorizontal, Waypoints } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";

import { Button } from "@/ui/Button";
import { EmptyState } from "@/ui/EmptyState";
import { plural } from "@/ui/format";

import { AddPhase } from "./editor/AddPhase";
import { ElementPanel } from "./editor/ElementPanel";
import s from "./editor/Editor.module.css";
import { PhaseList } from "./editor/PhaseList";
import { useDependencies } from "./editor/useDependencies";
import { EstimateFigures } from "./EstimateFigures";
import { LazyPlanGraph } from "./graph/LazyPlanGraph";
import { isFreelyEditable } from "./model";
import { usePlanContext } from "./planContext";
import { ViewSwitch } from "@/ui/ViewSwitch";

/** Plan editor: phases and tasks as a list or a graph, with an edit panel. */
export function Component() {
  const { plan } = usePlanContext();
  const [search, setSearch] = useSearchParams();
  const [isAdding, setAdding] = useState(false);
  const view = search.get("view") === "graph" ? "graph" : "list";
  const chosenId = search.get("edit");
  const set = (name: string, value: string | null) =>
    setSearch(
      (now) => {
        if (value === null) now.delete(name);
        else now.set(name, value);
        return now;
      },
      { replace: true, preventScrollReset: true },
    );
  const choose = (id: string | null) => set("edit", id);
  const isFree = isFreelyEditable(plan.status);
  const { depend, release } = useDependencies(plan);
  return (
    <>
      {plan.description && <p className={s.description}>{plan.description}</p>}
      <div className={s.toolbar}>
        <ViewSwitch
          label="Plan view"
          value={view}
          onChange={(value) => set("view", value === "graph" ? "graph" : null)}
          choices={[
            { value: "list", label: "List", icon: ListTree },
            { value: "graph", label: "Graph", icon: Waypoints },
          ]}
        />
        <span className={s.counts}>
          {plural(plan.phases.length, "phase")} · {plural(plan.taskCount, "task")} · version {plan.version}
        </span>
        <Button icon={SlidersHorizontal} size="s" onClick={() => choose(plan.id)}>
          Details
        </Button>
        {isFree && (
          <Button icon={FolderPlus} size="s" onClick={() => setAdding(true)}>
            Add phase
          </Button>
        )}
      </div>
      {!isFree && <p className={s.frozen}>{readOnlyReason(plan.status)}</p>}
      {plan.phases.length === 0 ? (
        <EmptyState
          icon={ListTree}
          title="No phases yet"
          {...(isFree
            ? { action: <Button onClick={() => setAdding(true)}>Add the first phase</Button> }
            : {})}
        >
          A plan has phases that run one after another. Each phase has tasks, which may depend on each other.
        </EmptyState>
      ) : view === "graph" ? (
        <LazyPlanGraph
          plan={plan}
          chosenId={chosenId}
          onChoose={choose}
          {...(isFree ? { onDepend: depend, onRelease: release } : {})}
        />
      ) : (
        <PhaseList plan={plan} chosenId={chosenId} onChoose={choose} />
      )}
      {plan.phases.length > 0 && isFree && (
        <section className={s.estimate} aria-label="Estimate">
          <h2>Estimate</h2>
          <EstimateFigures plan={plan} />
        </section>
      )}
      {isAdding && <AddPhase plan={plan} onClose={() => setAdding(false)} />}
      {chosenId && <ElementPanel key={chosenId} id={chosenId} onClose={() => choose(null)} />}
    </>
  );
}

function readOnlyReason(status: string): string {
  return status === "RUNNING" || status === "PAUSING" || status === "PAUSED"
    ? "The plan is running. Only tasks that have not started can be edited."
    : "Finished plans are read-only.";
}
