"""All rows of a project, read past every fault, as values for the invariants."""

from collections.abc import Iterator, Mapping
from typing import Any

from groundwork.adapters.dynamodb.backlog_rows import ProjectRow, path_at
from groundwork.adapters.dynamodb.run_rows import LinesRow, LockRow, RunRow, journal_entry_of, manifest_entry_of, run_of
from groundwork.ids import Kind
from groundwork.runs.model import Run, RunType
from tests.faults.invariants import Child, Moment, Record, State

PAGE = 100
BACKLOG, RUNS = "BacklogTable", "RunsTable"

type Row = dict[str, Any]


class Reader:
    """`client` is boto3's for DynamoDB, at the tables themselves."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def state(self, project_id: str) -> State:
        """Everything; consistent only when nothing is under way."""
        backlog, runs = self._rows(BACKLOG, project_id), self._rows(RUNS, project_id)
        (project,) = (ProjectRow.from_raw_data(dict(row)) for row in backlog if _sk(row) == "P")
        cards = [row for row in backlog if _sk(row).startswith("C#")]
        return State(
            records=[self._record(run) for run in _runs(runs)],
            children=[_child(project_id, row) for row in backlog if _sk(row)[:2] in ("E#", "S#", "T#")],
            cards=frozenset(int(_sk(row)[2:]) for row in cards),
            analyzed=frozenset(int(_sk(row)[2:]) for row in cards if "analysis" in row),
            counts={name: int(getattr(project, name)) for name in ("cards", "epics", "stories", "subtasks")},
            locks=_locks(runs),
            attention=frozenset(_sk(row) for row in (*backlog, *runs) if "attention" in row),
        )

    def moment(self, project_id: str) -> Moment:
        """Read runs and locks in one transaction, and the journals up to these runs' rows."""
        runs, locks = self._runs_and_locks(project_id)
        # a run that starts after its number was looked up is in the transaction by its lock alone
        if not set(locks.values()) <= runs.keys():
            runs, locks = self._runs_and_locks(project_id)
        entries = {run_id: self._record(run).entries for run_id, run in runs.items()}
        seen = {id_: [entry for entry in its if entry.seq <= runs[id_].seq] for id_, its in entries.items()}
        return Moment(runs, locks, seen)

    def _runs_and_locks(self, project_id: str) -> tuple[dict[str, Run], Mapping[RunType, str]]:
        number = self._last_run(project_id)
        keys = [f"R#{n:06d}" for n in range(1, number + 1)] + [f"LOCK#{type_}" for type_ in RunType]
        gets = [{"Get": {"TableName": RUNS, "Key": {"pk": {"S": project_id}, "sk": {"S": sk}}}} for sk in keys]
        answers = self._client.transact_get_items(TransactItems=gets)["Responses"]
        rows = [answer["Item"] for answer in answers if answer.get("Item")]
        return {run.id: run for run in _runs(rows)}, _locks(rows)

    def attention(self, project_id: str) -> frozenset[str]:
        """Return sort keys of rows due for the schedule."""
        rows = [*self._rows(BACKLOG, project_id), *self._rows(RUNS, project_id)]
        return frozenset(_sk(row) for row in rows if "attention" in row)

    def saved(self, run_id: str) -> list[Row]:
        """Read a run's row, manifest, journal, drafts and children; only its log is left out."""
        project_id, _, number = run_id.rpartition("-R")
        own = [row for row in self._rows(RUNS, run_id) if not _sk(row).startswith("L#")]
        own += [row for row in self._rows(RUNS, project_id) if _sk(row) == f"R#{int(number):06d}"]
        made = self._rows(BACKLOG, project_id)
        return own + [row for row in made if row.get("run") == {"N": number}]

    def log(self, run_id: str) -> list[str]:
        return [row["message"]["S"] for row in self._rows(RUNS, run_id) if _sk(row).startswith("L#")]

    def _last_run(self, project_id: str) -> int:
        key = {"pk": {"S": project_id}, "sk": {"S": "P"}}
        row = self._client.get_item(TableName=BACKLOG, Key=key, ConsistentRead=True)["Item"]
        return int(row.get("lastRun", {"N": "0"})["N"])

    def _record(self, run: Run) -> Record:
        rows = self._rows(RUNS, run.id)
        manifest, journal = ([_lines(row) for row in rows if _sk(row).startswith(start)] for start in ("M#", "J#"))
        targets = [
            manifest_entry_of(int(row.sk[2:]) * PAGE + position, line)
            for row in manifest
            for position, line in enumerate(row.lines)
        ]
        entries = [journal_entry_of(int(row.sk[2:]), line) for row in journal for line in row.lines]
        drafts = frozenset(int(_sk(row)[2:]) for row in rows if _sk(row).startswith("D#"))
        return Record(run, {target.index: target for target in targets}, entries, drafts)

    def _rows(self, table: str, pk: str) -> list[Row]:
        pages = self._client.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ConsistentRead=True,
        )
        return [row for page in pages for row in page["Items"]]


def _runs(rows: list[Row]) -> Iterator[Run]:
    return (run_of(RunRow.from_raw_data(dict(row))) for row in rows if _sk(row).startswith("R#"))


def _locks(rows: list[Row]) -> Mapping[RunType, str]:
    locks = [LockRow.from_raw_data(dict(row)) for row in rows if _sk(row).startswith("LOCK#")]
    return {RunType(lock.sk.removeprefix("LOCK#")): lock.run_id for lock in locks}


def _child(project_id: str, row: Row) -> Child:
    path = path_at(project_id, _sk(row))
    return Child(Kind(path.kind), path.numbers, int(row["run"]["N"]) if "run" in row else None)


def _lines(row: Row) -> LinesRow:
    return LinesRow.from_raw_data(dict(row))


def _sk(row: Row) -> str:
    sk: str = row["sk"]["S"]
    return sk
