import {
  Ban,
  CalendarClock,
  CalendarX,
  CirclePause,
  CirclePlay,
  CopyPlus,
  Ellipsis,
  type LucideIcon,
  PencilLine,
  Play,
  RotateCcw,
  Trash2,
  Undo2,
} from "lucide-react";
import { useState } from "react";

import { DeletePlanDialog } from "@/plans/DeletePlanDialog";
import type { PlanContext } from "@/plans/planContext";
import { SaveTemplateDialog } from "@/plans/SaveTemplateDialog";
import { resumePlan, unschedulePlan } from "@/services/executions";
import { changePlan } from "@/services/plans";
import { Button, IconButton } from "@/ui/Button";
import { Menu, MenuItem, MenuSeparator } from "@/ui/Menu";

import { planActions } from "./actions";
import { attentionItems } from "./attention";

/** Actions for a plan: the next step as a button, the others in a menu. */
export function PlanControls({ plan, progress, openDialog, control }: PlanContext) {
  const [dialog, open] = useState<"template" | "delete" | null>(null);
  const offered = planActions(progress);
  const isBefore = plan.status === "DRAFT" || plan.status === "READY";
  const resume = () => control.mutate({ send: () => resumePlan(plan.id) });
  return (
    <>
      {offered.has("pause") && plan.status === "RUNNING" && (
        <Button icon={CirclePause} onClick={() => openDialog({ kind: "pause" })}>
          Pause
        </Button>
      )}
      {offered.has("resume") && (
        <Button
          variant={attentionItems(progress).length > 0 ? "secondary" : "primary"}
          icon={CirclePlay}
          busy={control.isPending}
          onClick={resume}
        >
          Resume
        </Button>
      )}
      {isBefore && (
        <Button variant="primary" icon={Play} onClick={() => openDialog({ kind: "start" })}>
          Run plan
        </Button>
      )}
      {plan.status !== "GENERATING" && (
        <Menu trigger={<IconButton label="Plan actions" icon={Ellipsis} />}>
          <MoreActions
            plan={plan}
            progress={progress}
            openDialog={openDialog}
            control={control}
            offered={offered}
            open={open}
          />
        </Menu>
      )}
      {dialog === "template" && <SaveTemplateDialog plan={plan} onClose={() => open(null)} />}
      {dialog === "delete" && <DeletePlanDialog plan={plan} onClose={() => open(null)} />}
    </>
  );
}

type MoreProps = Omit<PlanContext, "repositories" | "repositoryOf" | "receivedAt"> & {
  offered: ReturnType<typeof planActions>;
  open: (dialog: "template" | "delete") => void;
};
type Entry = { icon: LucideIcon; label: string; onSelect: () => void; danger?: boolean };

function MoreActions(props: MoreProps) {
  const [going, ending] = [planEntries(props), dangerEntries(props)];
  return (
    <>
      {going.map((entry) => (
        <MoreItem key={entry.label} {...entry} />
      ))}
      {going.length > 0 && ending.length > 0 && <MenuSeparator />}
      {ending.map((entry) => (
        <MoreItem key={entry.label} {...entry} danger />
      ))}
    </>
  );
}

function MoreItem({ icon, label, onSelect, danger = false }: Entry) {
  return (
    <MenuItem icon={icon} onSelect={onSelect} danger={danger}>
      {label}
    </MenuItem>
  );
}

function planEntries({ plan, offered, openDialog, control, open }: MoreProps): Entry[] {
  const found: Entry[] = [];
  if (offered.has("again")) {
    found.push({ icon: RotateCcw, label: "Run again…", onSelect: () => openDialog({ kind: "start" }) });
  }
  if (offered.has("pause") && plan.status !== "RUNNING") {
    found.push({ icon: CirclePause, label: "Keep paused…", onSelect: () => openDialog({ kind: "pause" }) });
  }
  if (offered.has("schedule")) {
    found.push({ icon: CalendarClock, label: "Schedule…", onSelect: () => openDialog({ kind: "schedule" }) });
  }
  if (offered.has("unschedule")) {
    const command = { send: () => unschedulePlan(plan.id), successMessage: "Schedule removed" };
    found.push({ icon: CalendarX, label: "Remove schedule", onSelect: () => control.mutate(command) });
  }
  if (offered.has("rollback")) {
    found.push({ icon: Undo2, label: "Roll back plan…", onSelect: () => openDialog({ kind: "rollback" }) });
  }
  if (plan.status === "READY") {
    const back = { send: () => changePlan(plan.id, { status: "DRAFT" }, plan.version) };
    found.push({ icon: PencilLine, label: "Move back to draft", onSelect: () => control.mutate(back) });
  }
  if (plan.status === "DRAFT" && offered.has("execute")) {
    const ready = {
      send: () => changePlan(plan.id, { status: "READY" }, plan.version),
      successMessage: "Marked as ready",
    };
    found.push({ icon: CirclePlay, label: "Mark as ready", onSelect: () => control.mutate(ready) });
  }
  if (plan.phases.length > 0) {
    found.push({ icon: CopyPlus, label: "Save as template…", onSelect: () => open("template") });
  }
  return found;
}

function dangerEntries({ offered, openDialog, open }: MoreProps): Entry[] {
  if (offered.has("cancel")) {
    return [{ icon: Ban, label: "Cancel plan…", onSelect: () => openDialog({ kind: "cancel" }) }];
  }
  return [{ icon: Trash2, label: "Delete plan…", onSelect: () => open("delete") }];
}
