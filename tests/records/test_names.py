"""Stored names are declared, and equal those of the recorded release."""

import ast
import inspect
import json
import typing
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pynamodb.attributes import Attribute
from pynamodb.models import Model

from groundwork.adapters import dynamodb
from groundwork.adapters.dynamodb import (
    check_rows,
    execution_rows,
    import_rows,
    list_rows,
    plan_rows,
    run_rows,
    sandbox_rows,
)
from groundwork.adapters.dynamodb.backlog_rows import BACKLOG_ROWS, CardRow, KeyRow
from groundwork.adapters.dynamodb.execution_mapping import OWN_ATTRIBUTES
from groundwork.adapters.dynamodb.import_parts import ImportPartRow
from groundwork.adapters.dynamodb.tables import PLAN_ROWS
from groundwork.agent.patches import Patch
from groundwork.agent.session import Session
from groundwork.backlog.model import CardAnalysis, Mode
from groundwork.checks.baseline import Baseline
from groundwork.checks.model import CheckSettings
from groundwork.checks.records import CheckRecord, StoredResult
from groundwork.execution.ports import Event
from groundwork.execution.state import Cause, Execution, TaskExecution
from groundwork.execution.state import TaskUsage as TaskSpent
from groundwork.execution.task_step import Step
from groundwork.execution.worker import TurnReport
from groundwork.generation.epics import EpicDraft
from groundwork.ids import Kind
from groundwork.llm.port import Usage
from groundwork.plans import operations
from groundwork.plans.history import Iteration, IterationKind, IterationStatus
from groundwork.plans.model import DETAILS, Phase, Plan, PlanStatus, Task, TaskStatus
from groundwork.plans.suggestions import Suggestion
from groundwork.plans.templates import Template
from groundwork.runs.model import (
    CardCoverage,
    Claim,
    ErrorCode,
    ItemStatus,
    JournalEntry,
    ManifestEntry,
    Run,
    RunOptions,
    RunStatus,
    RunType,
)
from groundwork.runs.model import RunPhase as RunPhase
from groundwork.values import Stored, stored_as
from tests.records.kinds import KINDS, documents, kind_of, unknown_fields
from tests.records.recorded import every_row, known_names

ROWS: dict[str, type[Model]] = {
    **dict(
        zip(
            ("project", "project line", "external id", "content hash", "card", "epic", "story", "subtask"),
            BACKLOG_ROWS[1:],
            strict=True,
        )
    ),
    "run": run_rows.RunRow,
    "lock": run_rows.LockRow,
    "idempotency key": run_rows.IdempotencyRow,
    "import part": ImportPartRow,
    "import": import_rows.ImportRow,
    "imported object": import_rows.ImportedObjectRow,
    "inspection": import_rows.InspectionRow,
    "rejected rows": import_rows.RejectedRowsRow,
    "retry": run_rows.RetryRow,
    "retried": run_rows.RetriedRow,
    **dict.fromkeys(("manifest", "journal", "drafts", "selection", "rest"), run_rows.LinesRow),
    "run log": run_rows.RunLogRow,
    "plan": plan_rows.PlanRow,
    "repository": list_rows.RepositoryRow,
    "template": list_rows.TemplateRow,
    "template piece": list_rows.PieceRow,
    "version": plan_rows.VersionRow,
    **dict.fromkeys(("plan fields", "phase", "task", "suggestion", "dropped"), plan_rows.ContentRow),
    "iteration": plan_rows.IterationRow,
    "task state": execution_rows.StateRow,
    "event": execution_rows.EventRow,
    **dict.fromkeys(("session", "patch"), execution_rows.BlobRow),
    "part": execution_rows.BlobPartRow,
    "task log": execution_rows.TaskLogRow,
    "check": check_rows.CheckRow,
    "check result": check_rows.CheckResultRow,
    "baseline": check_rows.BaselineRow,
    "rollback check": check_rows.RollbackCheckRow,
    "sandbox": sandbox_rows.SandboxRow,
    "slots": execution_rows.SlotsRow,
    "measure": list_rows.MeasureRow,
    "list line": list_rows.ListRow,
    "link": plan_rows.LinkRow,
}

ITERATION_COLUMNS = {"suggestions", "changes", "status", "version", "dropped", "error", "made_by", "id", "plan_id"}
DOCUMENTS: dict[str, tuple[type[Stored], set[str]]] = {
    "run": (RunOptions, set()),
    "card": (CardAnalysis, {"made_by"}),
    "plan": (Execution, {"status", "seq"}),
    "plan fields": (Plan, set(Plan.model_fields) - set(DETAILS)),
    "phase": (Phase, {"id", "tasks"}),
    "task": (Task, {"id"}),
    "iteration": (Iteration, ITERATION_COLUMNS),
    "suggestion": (Suggestion, set()),
    "task state": (TaskExecution, OWN_ATTRIBUTES),
    "template piece": (Template, set()),
    "session": (Session, set()),
    "patch": (Patch, set()),
}
"""Class of each JSON document, and its fields with no place in the document.

They are stored elsewhere or not at all.
"""

ENUMS: dict[str, Any] = {
    "run type": RunType,
    "run status": RunStatus,
    "run phase": RunPhase,
    "error code": ErrorCode,
    "plan status": PlanStatus,
    "task status": TaskStatus,
    "cause": Cause,
    "mode": Mode,
    "id": Kind,
    "iteration kind": IterationKind,
    "iteration status": IterationStatus,
    "next step": Step,
}

COST_AND_MODEL = {"maxCostUsd", "model", "modelEffort", "review"}
NEW: dict[str, set[str]] = {
    "plan": {
        "checks",
        "rollback.verified",
        "rollback.heads",
    },
    "plan fields": COST_AND_MODEL,
    "session": {"checks", "landing"},
    "suggestion": {
        f"operation.{place}.{name}" for place in ("task", "parts", "phase.tasks") for name in COST_AND_MODEL
    },
    "task": COST_AND_MODEL,
    "task state": {"tests", "findings", "reviewed", "maxCost", "costBefore", "landingSince", "failed.keepChanges"},
    "template piece": {f"phases.tasks.{name}" for name in COST_AND_MODEL},
}
"""Fields by kind of document unknown to 29c4d3d.

docs/how-to/upgrade.md names the feature behind each.
"""

NEW_ATTRIBUTES = {
    "project": {"trimmedTo", "hashedTo", "lastImport"},
    "card": {"postedAt", "contentHash", "madeBy", "analysisMadeBy"},
    "epic": {"madeBy"},
    "story": {"madeBy"},
    "subtask": {"madeBy"},
    "plan": {"madeBy"},
    "iteration": {"madeBy"},
    "repository": {"checks"},
    "task state": {"sandboxMs", "activity", "verified", "conflicts"},
}
"""Attributes by kind of row unknown to 29c4d3d, and left alone by it."""

NEW_KINDS = {
    "content hash": {"pk", "sk", "cards"},
    "import part": {"pk", "sk", "fingerprint", "position", "created", "expiresAt"},
    "check": {"pk", "sk", "body"},
    "check result": {"pk", "sk", "body"},
    "baseline": {
        *("pk", "sk", "number", "status", "epoch", "firstEpoch", "lease", "body", "cost", "sandboxMs"),
        *("attention", "attentionAt"),
    },
    "rollback check": {"pk", "sk", "number", "status", "epoch", "lease"},
    "sandbox": {
        *("pk", "sk", "kind", "planId", "taskId", "number", "epoch", "generation", "state", "spec", "createdAt"),
        *("machineId", "endpoint", "closingAt", "setupDone", "setupKey"),
    },
    "import": {
        *("pk", "sk", "name", "size", "parameters", "key", "dropped", "createdAt", "fileSize", "etag", "versionId"),
        *("runId", "created", "duplicates", "rejected", "skipped", "problem", "attention", "attentionAt"),
    },
    "imported object": {"pk", "sk", "number"},
    "inspection": {"pk", "sk", "inspection"},
    "rejected rows": {"pk", "sk", "l"},
}
"""Kinds of row unknown to 29c4d3d, with their attributes.

It reads rows by key, and so never meets one.
"""

RESULT = {"command", "setup", "why", "exitCode", "detail", "seconds", "log", "logTruncated", "flaky"}
SETTINGS = {
    *("setup", "verify", "allowed", "network", "hosts", "timeoutS", "memoryMb", "env"),
    *("requireReview", "allowRedBaseline"),
}
NEW_DOCUMENTS: dict[str, tuple[type[Stored], set[str]]] = {
    "check": (
        CheckRecord,
        {
            "job",
            "tree",
            "commit",
            "startedAt",
            "endedAt",
            "generation",
            "position",
            "tries",
            "ready",
            "lost",
            "refused",
            "verdict",
        },
    ),
    "check result": (StoredResult, {"position", "tries", "result", *(f"result.{name}" for name in RESULT)}),
    "repository": (CheckSettings, SETTINGS),
    "baseline": (
        Baseline,
        {
            *("repositoryId", "number", "status", "epoch", "firstEpoch", "settings", "requestedAt", "endedAt"),
            *("commit", "tree", "suggested", "suggested.setup", "suggested.verify", "tests", "reason", "activity"),
            *(f"settings.{name}" for name in SETTINGS),
        },
    ),
}
"""Documents unknown to 29c4d3d, with their stored names."""

RECORDED = every_row()


def names(model: type[BaseModel], without: Set[str] = frozenset()) -> dict[str, Any]:
    return {
        str(field.alias): _inner(field.annotation) for name, field in model.model_fields.items() if name not in without
    }


def _inner(annotation: Any) -> dict[str, Any] | None:
    found = [names(model) for model in _models(annotation)]
    return {name: inner for one in found for name, inner in one.items()} or None


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, typing.TypeAliasType):
        annotation = annotation.__value__
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from _models(part)


def _reached(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in _models(field.annotation):
            yield from _reached(inner)


@pytest.mark.parametrize("kind", [kind for kind, *_ in KINDS if kind not in NEW_KINDS])
def test_every_kind_of_row_is_recorded_and_knows_the_recorded_attributes(kind: str) -> None:
    recorded = [item for table, item in RECORDED if kind_of(table, item) == kind]
    assert recorded
    attributes = {attribute.attr_name for attribute in ROWS[kind].get_attributes().values()}
    assert attributes == set(known_names()["attributes"][kind]) | NEW_ATTRIBUTES.get(kind, set())
    assert set().union(*recorded) <= attributes


@pytest.mark.parametrize("kind", NEW_KINDS)
def test_a_new_kind_of_row_has_the_attributes_it_was_added_with(kind: str) -> None:
    assert {attribute.attr_name for attribute in ROWS[kind].get_attributes().values()} == NEW_KINDS[kind]
    assert kind in {name for name, *_ in KINDS}


@pytest.mark.parametrize("kind", NEW_DOCUMENTS)
def test_a_new_document_has_the_stored_names_it_was_added_with(kind: str) -> None:
    model, known = NEW_DOCUMENTS[kind]
    assert set(_nested(names(model))) == known


def _nested(found: dict[str, Any], at: str = "") -> Iterator[str]:
    for name, inner in found.items():
        yield f"{at}{name}"
        yield from _nested(inner or {}, f"{at}{name}.")


def test_every_row_class_of_the_stores_has_a_kind() -> None:
    known = set(ROWS.values()) | {KeyRow}
    assert {*BACKLOG_ROWS, *run_rows.RUN_ROWS, *import_rows.IMPORT_ROWS, ImportPartRow, *PLAN_ROWS} == known


def test_every_attribute_of_a_row_declares_its_stored_name() -> None:
    """Pynamodb falls back to the Python name without a trace; so the source is inspected."""
    undeclared = []
    for path in sorted(Path(dynamodb.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                undeclared += [f"{path.name} {node.name}.{name}" for name in _undeclared(node)]
    assert undeclared == []


def _undeclared(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.Assign | ast.AnnAssign) and isinstance(line.value, ast.Call):
            function, target = line.value.func, line.targets[0] if isinstance(line, ast.Assign) else line.target
            attribute = isinstance(function, ast.Name) and (
                function.id.endswith("Attribute") or function.id == run_rows.CompactJson.__name__
            )
            if attribute and not any(keyword.arg == "attr_name" for keyword in line.value.keywords):
                yield ast.unparse(target)


def test_the_attributes_that_are_looked_at_are_all_there_are() -> None:
    """A new class of attribute needs this ending, or a mention in the test above."""
    classes = {type(one) for row in ROWS.values() for one in row.get_attributes().values()}
    assert all(one.__name__.endswith("Attribute") or one is run_rows.CompactJson for one in classes)
    assert all(issubclass(one, Attribute) for one in classes)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_every_model_inside_a_document_declares_its_stored_names(kind: str) -> None:
    """A subclass of Stored without declared names cannot be defined: see `groundwork.values`."""
    derived = {model.__name__ for model in _reached(DOCUMENTS[kind][0]) if Stored not in model.__bases__}
    assert derived == set()


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_stored_names_of_a_document_are_those_that_were_recorded(kind: str) -> None:
    model, without = DOCUMENTS[kind]
    now, known = names(model, without), known_names()["documents"][kind]
    assert sorted(unknown_fields(known, now)) == []
    assert {path.lstrip(".") for path in unknown_fields(now, known)} == NEW.get(kind, set())


def test_documents_that_are_written_by_hand_have_the_recorded_names() -> None:
    known = known_names()["documents"]
    spent = TaskSpent(input=1, output=1, cache_read=1, cache_write=1, calls=1, cost_micro_usd=1)
    turn = TurnReport(1, ("read",), ("a.txt",), "Hello", spent).as_json()
    event = Event(1, "RUNNING", "somebody", "T1", "why").as_json()
    template = Template(id="te", name="N", title="T", created_at="2026-01-01T00:00:00.000Z").brief()
    for kind, document in {"task log": turn, "event": event, "template": template}.items():
        assert set(document) == set(known[kind])
        assert list(unknown_fields(document, known[kind])) == []


def test_every_field_that_an_update_can_change_declares_its_stored_name() -> None:
    """A stored suggestion uses these names as keys of its `fields`."""
    changeable = (set(Task.model_fields) | set(Phase.model_fields)) - {"id", "tasks"} | set(DETAILS)
    assert set(operations.FIELD_NAMES) == changeable
    assert set(operations.FIELD_NAMES.values()) == {
        *("acceptance_criteria", "auto_commit", "branch", "change_asked", "condition", "depends_on", "description"),
        *("effort", "files", "key", "max_parallel", "mode", "pause_after", "repository_id", "story_id", "story_ids"),
        *("subtask_id", "title", "max_cost_usd", "model", "model_effort", "review"),
    }


@pytest.mark.parametrize("name", ENUMS)
def test_no_stored_value_of_an_enum_has_changed(name: str) -> None:
    """New values are allowed: docs/how-to/upgrade.md explains how."""
    assert {one.value for one in ENUMS[name]} >= set(known_names()["enums"][name])


def test_lists_keep_their_length_and_order() -> None:
    """A list inside a row never grows.

    A new fact gets its own attribute, and an older release leaves it alone.
    """
    usage = Usage(1, 2, 3, 4, 5)
    claim = Claim(2, 3, lost=True, saving=True, usage=usage, cost=7)
    target = ManifestEntry(0, (1, 2), "T", True, 3, (4,), (5,), "R1")
    entry = JournalEntry(1, ItemStatus.FAILED, 2, 3, 4, usage, 5, 6, 7, ErrorCode.TIMED_OUT, "why")
    draft = EpicDraft("T", "D", "G", "high", ("p-C3",))
    counted: dict[str, Any] = {"total": 1, "queued": 2, "cursor": 3, "completed": 4}
    counted |= {"failed": 5, "skipped": 6, "retryable": 7}
    course: dict[str, Any] = {"hops": 1, "stalled_hops": 2, "ended_before_hop": 3, "attempts": 4}
    course |= {"average_ms": 5, "slowest_ms": 6, "concurrency": 7}
    fields: dict[str, Any] = counted | course | {"claims": {8: claim}, "usage": usage, "coverage": CardCoverage(1, 2)}
    row = run_rows.run_row(Run(id="sjmvmbtfd2-R1", type=RunType.GENERATE_EPICS, created_at=1, **fields))
    assert (row.counters, row.course) == ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7])
    assert (row.coverage, row.usage) == ([1, 2], [1, 2, 3, 4, 5])
    assert row.claims == {"8": [2, 3, 3, 7, [1, 2, 3, 4, 5]]}
    assert run_rows.manifest_line(target) == [[1, 2], "T", 1, 3, [4], [5], "R1"]
    assert run_rows.journal_line(entry) == [1, "F", 2, 3, 4, [1, 2, 3, 4, 5], 5, 6, 7, "TIMED_OUT", "why"]
    assert run_rows.draft_line(draft) == ["T", "D", "G", "high", [3]]


def test_a_stored_class_cannot_be_defined_without_its_names() -> None:
    with pytest.raises(TypeError, match="declare the stored names of new_field"):
        type("Forgetful", (Stored,), {"__annotations__": {"new_field": int}, "__module__": __name__})


def test_a_renamed_field_keeps_its_stored_name() -> None:
    class Before(Stored):
        since: typing.Annotated[int, stored_as("since")] = 0

    class After(Stored):
        first_attempt_of_round: typing.Annotated[int, stored_as("since")] = 0

    assert After.read(Before(since=3).stored()).first_attempt_of_round == 3
    assert After(first_attempt_of_round=3).stored() == Before(since=3).stored()


def test_an_item_of_an_earlier_release_has_no_origin() -> None:
    rows = [(kind_of(table, item), item) for table, item in RECORDED]
    cards = [CardRow.from_raw_data(dict(item)).entity() for kind, item in rows if kind == "card"]
    assert {card.made_by for card in cards} == {None}
    assert {card.analysis.made_by for card in cards if card.analysis} == {None}


def test_stored_json_is_read_and_written_by_the_documents_alone() -> None:
    """Any other JSON code in the stores would lose unknown fields."""
    for path in Path(dynamodb.__file__).parent.glob("*.py"):
        text = path.read_text()
        assert "model_dump" not in text, path.name
        assert "model_validate" not in text, path.name
    assert "extra" in inspect.getsource(Stored.read)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_what_is_read_and_written_again_is_the_same(kind: str) -> None:
    model, _ = DOCUMENTS[kind]
    found = [document for name, document in documents(RECORDED) if name == kind]
    assert found
    for document in found[-200:]:
        missing = _columns(kind)
        read = model.read(document | missing)
        new = dict.fromkeys(NEW.get(kind, ()))
        known = known_names()["documents"][kind] | missing | _whole(kind) | new
        assert list(unknown_fields(read.stored(), known)) == []
        assert _pruned(json.loads(read.stored_json()), document) == document


def _pruned(again: Any, document: Any) -> Any:
    """Drop defaults left out in the recorded document."""
    if isinstance(again, dict) and isinstance(document, dict):
        return {name: _pruned(value, document[name]) for name, value in again.items() if name in document}
    if isinstance(again, list) and isinstance(document, list) and len(again) == len(document):
        return [_pruned(one, other) for one, other in zip(again, document, strict=True)]
    return again


def _whole(kind: str) -> dict[str, Any]:
    """Fields of the class with another place in this kind of row."""
    model, without = DOCUMENTS[kind]
    return {str(model.model_fields[name].alias): None for name in without}


def _columns(kind: str) -> dict[str, Any]:
    """Columns of the row needed by the class besides the document."""
    stamps = {"createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z"}
    needed: dict[str, dict[str, Any]] = {
        "plan": {"status": "RUNNING"},
        "phase": {"id": "H1"},
        "task": {"id": "T1"},
        "plan fields": {"id": "pl", "repositoryId": "re"} | stamps,
        "iteration": {"id": "I1", "planId": "pl", "version": 1},
    }
    return needed.get(kind, {})
