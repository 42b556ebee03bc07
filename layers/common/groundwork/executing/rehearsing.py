"""A worker that carries out nothing: each task takes a while and succeeds without a commit."""

import asyncio

from groundwork.executing.work import Assignment, Done, Held, Outcome, Turn, Watch


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
