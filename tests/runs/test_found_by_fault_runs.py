"""Bugs that fault runs of the real processes have found, each shown by itself."""

from typing import Any

import pytest

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.errors import RunNotActive, Transient
from groundwork.runs.cancel import cancel
from groundwork.runs.model import Run, RunStatus, RunType
from groundwork.runs.ports import Changes
from tests.runs.world import World


class LosesAnswers:
    """A store whose next `finish` takes effect and is not heard of."""

    def __init__(self, store: Any) -> None:
        self._store, self._loses = store, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def finish(self, run: Run, before: Run, changes: Changes) -> None:
        self._store.finish(run, before, changes)
        if self._loses:
            self._loses = False
            raise Transient("The answer was lost.")


def test_a_cancel_whose_answer_was_lost_is_a_cancel_and_no_refusal(simulated_tables: Tables) -> None:
    world = World(simulated_tables)
    world.add_epics(1)
    world.add_stories(1, 3)
    run_id = world.start(RunType.GENERATE_SUBTASKS)
    store: Any = LosesAnswers(simulated_tables.runs)
    cancelled = cancel(store, run_id, lambda: 1_000, sleep=lambda seconds: None)
    assert cancelled.status is RunStatus.CANCELLED
    assert simulated_tables.runs.load(run_id) == cancelled
    with pytest.raises(RunNotActive):
        cancel(simulated_tables.runs, run_id, lambda: 2_000, sleep=lambda seconds: None)
