"""Write the stored names of commit 29c4d3d. Run once, by the code of that commit (see make_29c4d3d.py):

PYTHONPATH=layers/common:. python ../groundwork/tests/records/names_29c4d3d.py ../groundwork/tests/records
"""

# mypy: ignore-errors
# the imports are those of the old commit

import json
import sys
import typing
from enum import StrEnum
from pathlib import Path
from typing import Any

from groundwork.executing.attempts import Next
from groundwork.executing.standing import Cause, Execution, TaskStanding
from groundwork.sessions.session import Session, Spent
from groundwork.sessions.stacking import Patch
from groundwork.store import backlog_rows, list_rows, plan_rows, run_rows, standing_rows
from pydantic import BaseModel

from groundwork.backlog import CardAnalysis, Mode
from groundwork.ids import Kind
from groundwork.plans.history import Iteration, IterationKind, IterationStatus
from groundwork.plans.model import DETAILS, Phase, Plan, PlanStatus, Task, TaskStatus
from groundwork.plans.suggestions import Suggestion
from groundwork.plans.templates import Template
from groundwork.runs import ErrorCode, RunOptions, RunType, Status
from groundwork.runs import Phase as RunPhase

ROWS = {
    "project": backlog_rows.ProjectRow,
    "project line": backlog_rows.ProjectListRow,
    "external id": backlog_rows.ExternalIdRow,
    "card": backlog_rows.CardRow,
    "epic": backlog_rows.EpicRow,
    "story": backlog_rows.StoryRow,
    "subtask": backlog_rows.SubtaskRow,
    "run": run_rows.RunRow,
    "lock": run_rows.LockRow,
    "idempotency key": run_rows.IdempotencyRow,
    "retry": run_rows.RetryRow,
    "retried": run_rows.RetriedRow,
    **dict.fromkeys(("manifest", "journal", "drafts", "selection", "rest"), run_rows.LinesRow),
    "run log": run_rows.LogRow,
    "plan": plan_rows.PlanRow,
    "repository": list_rows.RepositoryRow,
    "template": list_rows.TemplateRow,
    "template piece": list_rows.PieceRow,
    "version": plan_rows.VersionRow,
    **dict.fromkeys(("plan fields", "phase", "task", "suggestion", "dropped"), plan_rows.ContentRow),
    "iteration": plan_rows.IterationRow,
    "task state": standing_rows.StateRow,
    "event": standing_rows.EventRow,
    **dict.fromkeys(("session", "patch"), standing_rows.KeptRow),
    "part": standing_rows.PartRow,
    "task log": standing_rows.LogRow,
    "slots": standing_rows.SlotsRow,
    "measure": list_rows.MeasureRow,
    "list line": list_rows.ListRow,
    "link": plan_rows.LinkRow,
}


def names(model: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        str(field.alias): _inner(field.annotation) for name, field in model.model_fields.items() if name not in without
    }


def _inner(annotation: Any) -> dict[str, Any] | None:
    """Fields of the models inside an annotation, those of a union together; None where there is none."""
    if isinstance(annotation, typing.TypeAliasType):
        return _inner(annotation.__value__)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return names(annotation)
    found = [one for one in map(_inner, typing.get_args(annotation)) if one is not None]
    return {name: inner for one in found for name, inner in one.items()} or None


def main(folder: Path) -> None:
    apart = {"suggestions", "changes", "status", "version", "dropped", "error", "id", "plan_id"}
    told = ("status", "round", "attempts", "epoch", "commit_sha", "error_msg", "lease_until", "knock", "knocked")
    template = names(Template)
    known = {
        "attributes": {
            kind: sorted(attribute.attr_name for attribute in row.get_attributes().values())
            for kind, row in ROWS.items()
        },
        "documents": {
            "run": names(RunOptions),
            "card": names(CardAnalysis),
            "plan": names(Execution, ("status", "seq")),
            "plan fields": dict.fromkeys(str(Plan.model_fields[one].alias) for one in DETAILS),
            "phase": names(Phase, ("id", "tasks")),
            "task": names(Task, ("id",)),
            "iteration": names(Iteration, tuple(apart)),
            "suggestion": names(Suggestion),
            "task state": names(TaskStanding, (*told, "spent", "turns")),
            "template": {n: i for n, i in template.items() if n not in ("phases", "planDescription")}
            | {"phaseCount": None, "taskCount": None},
            "template piece": template,
            "session": names(Session),
            "patch": names(Patch),
            "event": {"what": None, "who": None, "taskId": None, "reason": None},
            "task log": {"turn": None, "tools": None, "files": None, "message": None}
            | {"spent": names(Spent) | {"costMicroUsd": None}},
        },
        "enums": {
            name: sorted(one.value for one in enum)
            for name, enum in {
                "run type": RunType,
                "run status": Status,
                "run phase": RunPhase,
                "error code": ErrorCode,
                "plan status": PlanStatus,
                "task status": TaskStatus,
                "cause": Cause,
                "mode": Mode,
                "id": Kind,
                "iteration kind": IterationKind,
                "iteration status": IterationStatus,
                "next step": Next,
            }.items()
            if issubclass(enum, StrEnum)
        },
    }
    path = folder / "29c4d3d" / "names.json"
    path.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
