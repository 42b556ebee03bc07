"""Users of a simulation: they start, cancel and retry runs, and edit the backlog meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Artifact
from groundwork.backlog.requests import NewEpic, NewStory, NewSubtask, new_artifact
from groundwork.errors import Refusal
from groundwork.ids import Kind, Path
from groundwork.runs.cancel import cancel
from groundwork.runs.model import RunOptions, RunStatus, RunType
from groundwork.runs.start import RunRequest, StartedRun, Starter
from tests.simulation.cloud import Cloud, NoAnswer, pause
from tests.simulation.dynamodb import Key
from tests.simulation.invariants import Invariants
from tests.simulation.known import path_of
from tests.simulation.provider import Provider
from tests.simulation.scenario import Scenario

_BELOW: dict[Kind, tuple[Kind, type[NewEpic | NewStory | NewSubtask]]] = {
    Kind.PROJECT: (Kind.EPIC, NewEpic),
    Kind.EPIC: (Kind.STORY, NewStory),
    Kind.STORY: (Kind.SUBTASK, NewSubtask),
}
_ITEMS_OF = {
    RunType.ANALYZE_CARDS: "C#",
    RunType.GENERATE_EPICS: "C#",
    RunType.GENERATE_STORIES: "E#",
    RunType.GENERATE_SUBTASKS: "S#",
}
LATER_S = 400.0
"""Time between the first request for a retry and one by another user."""


def _is_of_the_backlog(key: Key) -> bool:
    return key[2][:2] in ("C#", "E#", "S#", "T#")


@dataclass
class People:
    """Users of the API; `cancel` is the use case behind its route."""

    scenario: Scenario
    project_id: str
    cloud: Cloud
    tables: Tables
    provider: Provider
    invariants: Invariants
    random: Random
    starter: Callable[[], Starter]

    async def live(self) -> None:
        """Perform all actions of all users."""
        others = [asyncio.create_task(self._edit(self.scenario.edits)), asyncio.create_task(self._delete_project())]
        await self._use_runs()
        await asyncio.gather(*others)

    async def _use_runs(self) -> None:
        scenario = self.scenario
        request = self._request(scenario)
        keys = ["key-0" if scenario.one_key else f"key-{n}" for n in range(scenario.eager_clients)]
        first = [asyncio.create_task(self._client(request, key)) for key in keys]
        if scenario.second:
            await asyncio.sleep(self.random.uniform(0, 60))
            second = RunRequest(type=scenario.second, options=RunOptions.model_validate(scenario.options))
            await self._client(second, "second")
        started = [run_id for run_id in await asyncio.gather(*first) if run_id]
        if started:
            await self._see_to(started[0])

    async def _see_to(self, run_id: str) -> None:
        scenario = self.scenario
        if scenario.cancel_at is not None:
            await asyncio.sleep(scenario.cancel_at)
            await self.cancel(run_id)
        if scenario.cancel_after_calls is not None:
            await self._many_calls(run_id, scenario.cancel_after_calls)
            await asyncio.sleep(self.random.uniform(0, 3))
            await self.cancel(run_id)
        for time in range(scenario.retries):
            await self.ended(run_id)
            await asyncio.sleep(LATER_S if time else 0)
            await self._retry(run_id)

    # runs

    def _request(self, scenario: Scenario) -> RunRequest:
        """Request the whole project, some items, or everything below one epic."""
        fields: dict[str, Any] = {"type": scenario.type, "options": RunOptions.model_validate(scenario.options)}
        there = self._there(lambda key: key[2].startswith(_ITEMS_OF[scenario.type]))
        if scenario.selected:
            chosen = self.random.sample(there, min(scenario.selected, len(there)))
            fields["item_ids"] = [str(path) for path in chosen]
        if scenario.one_epic and scenario.type in (RunType.GENERATE_STORIES, RunType.GENERATE_SUBTASKS):
            fields["epic_id"] = str(Path(Kind.EPIC, self.project_id, (1,)))
        return RunRequest.model_validate(fields)

    def _there(self, which: Callable[[Key], bool] = _is_of_the_backlog) -> list[Path]:
        return [path_of(key) for key in self.cloud.database.keys("backlog") if which(key)]

    async def _client(self, request: RunRequest, key: str) -> str | None:
        """Start a run, and repeat the request until it has a response; None if refused."""
        while True:
            try:
                started: StartedRun = await self.cloud.http(self.starter().start, self.project_id, request, key)
            except NoAnswer:
                await asyncio.sleep(2)
            except Refusal as refusal:
                self.cloud.note(f"client {key} was refused: {refusal.code}")
                return None
            else:
                self.invariants.on_answer(key, request, started.run_id)
                return started.run_id

    async def cancel(self, run_id: str) -> None:
        while True:
            try:
                await self.cloud.http(cancel, self.tables.runs, run_id, self.cloud.true_ms, pause)
            except NoAnswer:
                await asyncio.sleep(1)
                continue
            except Refusal:
                # the run had ended, or an earlier try has cancelled it
                return
            known = self.invariants.seen.runs.get(run_id)
            if known and known.run.status is RunStatus.CANCELLED:
                known.acknowledged_at = self.cloud.loop.now
            return

    async def _many_calls(self, run_id: str, count: int) -> None:
        """Wait until the run has made this many model calls, or has ended."""
        known = self.invariants.seen.runs[run_id]
        while self.provider.started[run_id] < count and known.run.status.active:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    async def ended(self, run_id: str) -> None:
        known = self.invariants.seen.runs[run_id]
        while known.run.status.active:  # noqa: ASYNC110 - as a client polls
            await asyncio.sleep(5)

    async def _retry(self, run_id: str) -> None:
        await self._try(f"retry of {run_id}", self.starter().retry, run_id)

    async def _try(self, what: str, call: Callable[..., Any], *arguments: Any) -> bool:
        """Return True if a response confirmed the call."""
        try:
            await self.cloud.http(call, *arguments)
        except (Refusal, NoAnswer) as refusal:
            self.cloud.note(f"{what}: {type(refusal).__name__}")
            return False
        return True

    # the backlog

    async def _edit(self, times: int) -> None:
        """Create, change and delete epics, stories and subtasks by hand during runs."""
        for number in range(times):
            await asyncio.sleep(self.random.expovariate(0.2))
            path = self.random.choice([Path(Kind.PROJECT, self.project_id), *self._there()])
            if path.kind is Kind.PROJECT:
                await self._try(f"edit of {path}", self._make_below, path)
            elif path.kind is Kind.CARD or self.random.random() < 0.25:
                await self._try(f"edit of {path}", self.tables.entries.update, path, self._other_words(path, number))
            elif path.kind is not Kind.SUBTASK and self.random.random() < 0.6:
                await self._try(f"edit of {path}", self._make_below, path)
            else:
                await self._try(f"edit of {path}", self.tables.entries.delete, path)

    def _other_words(self, path: Path, number: int) -> dict[str, str]:
        # unique names: the provider counts calls by name
        if path.kind is Kind.CARD:
            return {"text": f"{self.scenario.text} {path.number} in other words {number}"}
        return {"title": f"{path.kind.name.title()} {5_000 + path.number} renamed {number}"}

    def _make_below(self, parent: Path) -> None:
        kind, body = _BELOW[parent.kind]

        def make(path: Path, now: str) -> Artifact:
            # named like the other items: the provider counts calls by name
            return new_artifact(body(title=f"{kind.name.title()} {900 + path.number}"), path, now)

        self.tables.entries.create(kind, parent, make)

    async def _delete_project(self) -> None:
        """Repeat the deletion as long as a run blocks it."""
        if self.scenario.deleted_at is None:
            return
        await asyncio.sleep(self.scenario.deleted_at)
        for _ in range(20):
            if await self._try("delete", self.tables.projects.delete, self.project_id):
                return
            await asyncio.sleep(30)
