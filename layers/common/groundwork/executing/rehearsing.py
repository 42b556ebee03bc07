"""A worker that carries out nothing: each task takes a while and succeeds without a commit."""

import asyncio
from collections.abc import Sequence

from groundwork.executing.work import Assignment, Done, Held, Outcome, Taken, Turn, Watch
from groundwork.plans.repositories import Repository


class Rehearsal:
    """`seconds` is what a task takes."""

    def __init__(self, seconds: float = 0.1) -> None:
        self._seconds = seconds

    async def carry_out(self, assignment: Assignment, watch: Watch) -> Outcome:
        await watch.turn(Turn(1, message=f"Rehearses {assignment.task.title}"))
        try:
            async with asyncio.timeout(self._seconds):
                await watch.stop.wait()
        except TimeoutError:
            return Done(None, summary="Rehearsed")
        return Held()

    def take_back(self, repository: Repository, branch: str, taken: Sequence[Taken]) -> dict[str, str]:
        """As if each had been reverted."""
        return {one.task.id: one.commit_sha[::-1] for one in taken}
