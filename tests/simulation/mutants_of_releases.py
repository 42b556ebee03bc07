"""Mutants of compatibility: reads and writes of data shared with another release."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from groundwork.adapters.dynamodb.client import Transaction
from groundwork.adapters.dynamodb.run_rows import RunRow, run_actions, run_row
from groundwork.runs.model import Run
from groundwork.values import Stored
from tests.simulation.execution.mutant import ExecutionMutant
from tests.simulation.execution.worlds import World
from tests.simulation.mutant import Mutant, in_many_hops, patched, patched_all
from tests.simulation.releases import Neighbour

_update = Transaction.update

type Applied = Callable[[], AbstractContextManager[Any]]


@classmethod  # type: ignore[misc]
def _strict(cls: type[Stored], document: Any) -> Any:
    return cls.model_validate(document)


@classmethod  # type: ignore[misc]
def _strict_json(cls: type[Stored], text: str | bytes) -> Any:
    return cls.model_validate_json(text)


def _known_alone(value: Stored, document: dict[str, Any], *more: Any) -> dict[str, Any]:
    return document


def _all_of_it(run: Run) -> list[Any]:
    """Write the options too, as a put does, with only the fields known to this release."""
    return [*run_actions(run), RunRow.options.set(run_row(run).options)]


class _Put(list[Any]):
    """Update actions as a marker for a put of this row."""

    row: RunRow


def _whole_row(run: Run) -> _Put:
    actions = _Put(run_actions(run))
    actions.row = run_row(run)
    return actions


def _put_or_update(self: Transaction, row: Any, actions: list[Any], *more: Any) -> None:
    if isinstance(actions, _Put):
        return self.put(actions.row, *more)
    return _update(self, row, actions, *more)


def _python_names(self: Stored, include: Any = None, exclude: Any = None, **options: Any) -> dict[str, Any]:
    """Store the Python name, as pydantic does without an alias."""
    return self.model_dump(mode="json", include=include, exclude=exclude, **options)


REFUSED: Applied = patched_all(
    ("groundwork.values.Stored.read", _strict), ("groundwork.values.Stored.read_json", _strict_json)
)
DROPPED: Applied = patched_all(
    ("groundwork.values._with_unknown", _known_alone), ("groundwork.adapters.dynamodb.runs.run_actions", _all_of_it)
)
PUT: Applied = patched_all(
    ("groundwork.adapters.dynamodb.runs.run_actions", _whole_row),
    ("groundwork.adapters.dynamodb.client.Transaction.update", _put_or_update),
)
DERIVED: Applied = patched("groundwork.values.Stored.stored", _python_names)

_REFUSED = "a reader refuses fields of a newer release"
_DROPPED = "a rewrite drops fields of a newer release"
_DERIVED = "stored names follow the names in Python: an older release refuses the document"


def _undisturbed(world: World) -> World:
    return replace(world, clicks=0, edits=0, rollbacks=0)


def _edited(world: World) -> World:
    return replace(world, edits=5)


OF_RELEASES = [
    Mutant("newer fields refused", _REFUSED, REFUSED, in_many_hops, neighbour=Neighbour.NEWER, crash="ValidationError"),
    Mutant("newer fields dropped", _DROPPED, DROPPED, in_many_hops, neighbour=Neighbour.NEWER),
    Mutant("runs put whole", _DROPPED, PUT, in_many_hops, neighbour=Neighbour.NEWER),
    Mutant("names derived", _DERIVED, DERIVED, neighbour=Neighbour.OLDER),
]
OF_RELEASES_OF_PLANS = (
    ExecutionMutant(
        "newer fields refused", _REFUSED, REFUSED, _undisturbed, neighbour=Neighbour.NEWER, crash="ValidationError"
    ),
    ExecutionMutant("newer fields dropped", _DROPPED, DROPPED, _edited, neighbour=Neighbour.NEWER),
    ExecutionMutant("names derived", _DERIVED, DERIVED, _undisturbed, neighbour=Neighbour.OLDER),
)
