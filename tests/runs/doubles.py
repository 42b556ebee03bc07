"""Test doubles of the run engine: faulty stores, a provider outage, an early sweeper."""

from dataclasses import replace
from typing import Any

from groundwork.errors import Transient
from groundwork.llm.port import Question, Unavailable
from groundwork.runs.model import Run
from groundwork.runs.ports import Changes
from groundwork.runs.sweep import Sweeper
from tests.runs.world import World

HOURS_LATER_MS = 3_600_000


class Provider:
    """A provider outage, until `down` is False."""

    def __init__(self) -> None:
        self.down = True

    def __call__(self, call: int, question: Question) -> Exception | None:
        return Unavailable() if self.down else None


class Behind:
    """A store with some methods replaced."""

    def __init__(self, store: Any, **methods: Any) -> None:
        self._store = store
        self.__dict__ |= methods

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class LosesAnswers:
    """A store; the next `finish` takes effect, but its answer is lost."""

    def __init__(self, store: Any) -> None:
        self._store, self._loses = store, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def finish(self, run: Run, before: Run, changes: Changes) -> None:
        self._store.finish(run, before, changes)
        if self._loses:
            self._loses = False
            raise Transient("The answer was lost.")


def sweeper(world: World, ahead_ms: int = HOURS_LATER_MS) -> Sweeper:
    def now() -> int:
        return world.clock_ms() + ahead_ms

    starter = replace(world.starter, now_ms=now)
    return Sweeper(world.tables.runs, starter, list, lambda project_id, is_over: True, now, lambda: 60_000)
