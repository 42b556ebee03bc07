"""Sessions over several invocations: waits, pauses and continuation."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from groundwork.agent.changes import from_json
from groundwork.agent.runner import MAX_PROVIDER_FAULTS, Pause, run_session
from groundwork.agent.session import Session
from groundwork.agent.workspace import Workspace
from groundwork.llm.conversation import Conversation, Turn
from groundwork.llm.port import Misconfigured, Overloaded, RateLimited, RateLimits, Unavailable
from tests.agent.world import JobContext, Scripted, brief, call, calls, finish, workspace

FILES: dict[str, str | bytes] = {"README.md": "# App\n", "src/app.py": "one\n"}
FIRST, LAST = calls(call("read", file_path="src/app.py")), calls(finish())
SCRIPT: list[Turn | Exception] = [
    FIRST,
    calls(call("edit", file_path="src/app.py", old_string="one", new_string="two")),
    calls(call("write", file_path="new/a.txt", content="a\n"), call("delete", file_path="README.md")),
    calls(call("edit", file_path="src/app.py", old_string="two", new_string="three")),
    LAST,
]
END = {"src/app.py": b"three\n", "new/a.txt": b"a\n", "README.md": None}


@pytest.fixture
def work(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "work", FILES)


def fresh() -> Session:
    return Session(brief=brief(), base="0" * 40)


async def test_a_session_is_kept_after_each_turn(work: Workspace) -> None:
    desk = JobContext(Scripted(list(SCRIPT)), work)
    carried = await run_session(fresh(), desk.means(), desk.watch())
    assert carried.pause is None
    assert carried.session.ended
    assert carried.session.ended.success
    assert [session.turns for session in desk.kept] == [1, 2, 3, 4, 5]
    assert desk.kept[-1] == carried.session
    assert from_json(carried.session.changes) == END


@pytest.mark.parametrize("turns", range(1, 5))
async def test_a_session_that_was_killed_goes_on_from_its_last_turn_on_another_machine(
    tmp_path: Path, turns: int
) -> None:
    first = JobContext(Scripted(list(SCRIPT)), workspace(tmp_path / "one", FILES))
    await run_session(fresh(), first.means(), first.watch())
    kept = first.kept[turns - 1]
    # the other machine lacks all that was written after the last save
    other = workspace(tmp_path / "two", FILES)
    other.restore(from_json(kept.changes))
    second = JobContext(Scripted(SCRIPT[turns:]), other)
    carried = await run_session(kept, second.means(), second.watch())
    # the other file system gives the same messages, and so the same continuation
    assert carried.session.messages == first.kept[-1].messages
    assert from_json(carried.session.changes) == END
    assert carried.session.usage == first.kept[-1].usage


async def test_an_invocation_begins_no_turn_that_it_could_not_end(work: Workspace) -> None:
    desk = JobContext(Scripted(list(SCRIPT)), work, left_ms=200_000)
    carried = await run_session(fresh(), desk.means(), desk.watch())
    assert (carried.pause, carried.session) == (Pause.TIME, fresh())


@pytest.mark.parametrize(
    ("fault", "share", "waited"),
    [
        *((RateLimited(retry_after=7.0), 0.0, 7.0), (RateLimited(retry_after=7.0), 1.0, 14.0)),
        *((RateLimited(retry_after=0.0), 0.0, 0.0), (RateLimited(retry_after=0.0), 1.0, 2.0)),
        *((Overloaded(), 0.5, 2.0), (Unavailable(), 0.0, 1.0), (Unavailable(), 1.0, 3.0)),
    ],
)
async def test_a_fault_of_the_provider_is_waited_out_by_each_in_its_own_time_and_uses_up_nothing(
    work: Workspace, fault: Exception, share: float, waited: float
) -> None:
    desk = JobContext(Scripted([SCRIPT[0], fault, *SCRIPT[1:]]), work, jitter=share)
    carried = await run_session(fresh(), desk.means(), desk.watch())
    assert desk.slept == [waited]
    assert carried.session.turns == 5
    assert carried.session.ended
    assert carried.session.ended.success


SCARCE = RateLimits(tokens_limit=1_000_000, tokens_remaining=20_000, tokens_reset=40.0)


@pytest.mark.parametrize(
    ("limits", "slept"),
    [
        (SCARCE, 10.0),
        (RateLimits(requests_limit=50, requests_remaining=1, requests_reset=20.0), 5.0),
        (RateLimits(requests_limit=50, requests_remaining=0, requests_reset=7_200.0), 15.0),
    ],
)
async def test_sessions_that_are_told_that_little_is_left_spread_over_the_time_until_there_is_more(
    work: Workspace, limits: RateLimits, slept: float
) -> None:
    desk = JobContext(Scripted([replace(FIRST, limits=limits), *SCRIPT[1:]]), work, jitter=0.25)
    carried = await run_session(fresh(), desk.means(), desk.watch())
    assert desk.slept == [slept]
    assert carried.session.ended


async def test_a_session_that_has_ended_waits_for_nothing(work: Workspace) -> None:
    script = [*SCRIPT[:-1], replace(LAST, limits=SCARCE)]
    desk = JobContext(Scripted(list(script)), work, jitter=0.25)
    await run_session(fresh(), desk.means(), desk.watch())
    assert desk.slept == []


async def test_a_stop_ends_a_wait_for_the_provider(work: Workspace) -> None:
    stop, waiting = asyncio.Event(), asyncio.Event()
    desk = JobContext(Scripted([RateLimited(retry_after=50.0)]), work)

    async def for_ever(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    carrying = asyncio.create_task(run_session(fresh(), desk.means(), replace(desk.watch(stop), sleep=for_ever)))
    await waiting.wait()
    stop.set()
    carried = await asyncio.wait_for(carrying, 60)
    assert carried.pause is Pause.STOPPED


async def test_a_provider_that_stays_away_is_left_to_a_later_invocation(work: Workspace) -> None:
    desk = JobContext(Scripted([SCRIPT[0], Unavailable()]), work)
    carried = await run_session(fresh(), desk.means(), desk.watch())
    assert carried.pause is Pause.PROVIDER
    assert len(desk.slept) == MAX_PROVIDER_FAULTS - 1
    assert (carried.session.turns, carried.session.ended) == (1, None)


async def test_a_wait_longer_than_an_invocation_is_not_slept_through(work: Workspace) -> None:
    desk = JobContext(Scripted([RateLimited(retry_after=3_600.0)]), work)
    carried = await run_session(fresh(), desk.means(), desk.watch())
    assert (carried.pause, carried.wait_s, desk.slept) == (Pause.PROVIDER, 3_600.0, [])


async def test_a_provider_that_refuses_every_call_is_a_matter_for_a_person(work: Workspace) -> None:
    desk = JobContext(Scripted([Misconfigured("no key")]), work)
    with pytest.raises(Misconfigured):
        await run_session(fresh(), desk.means(), desk.watch())


class Hanging:
    """Answers once, then never."""

    name, model_id = "hanging", "claude-sonnet-5-5"

    def __init__(self) -> None:
        self.asked, self.given_up = asyncio.Event(), False
        self._script = [calls(call("write", file_path="a.txt", content="a"))]

    async def turn(self, conversation: Conversation) -> Turn:
        if self._script:
            return self._script.pop()
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.given_up = True
        raise AssertionError("it waits for ever")

    async def close(self) -> None:
        return None


async def test_a_stop_gives_up_the_call_under_way_and_keeps_what_was_there_before(work: Workspace) -> None:
    model = Hanging()
    desk = JobContext(model, work)
    stop = asyncio.Event()
    carrying = asyncio.create_task(run_session(fresh(), desk.means(), desk.watch(stop)))
    await model.asked.wait()
    stop.set()
    carried = await carrying
    assert (carried.pause, carried.session.turns, model.given_up) == (Pause.STOPPED, 1, True)
    assert carried.session == desk.kept[-1]


async def test_after_a_stop_nothing_is_begun(work: Workspace) -> None:
    stop = asyncio.Event()
    stop.set()
    model = Scripted(list(SCRIPT))
    desk = JobContext(model, work)
    carried = await run_session(fresh(), desk.means(), desk.watch(stop))
    assert (carried.pause, model.with_message) == (Pause.STOPPED, [])


async def test_an_invocation_that_is_cancelled_leaves_no_call_behind(work: Workspace) -> None:
    model = Hanging()
    desk = JobContext(model, work)
    carrying: asyncio.Task[Any] = asyncio.create_task(run_session(fresh(), desk.means(), desk.watch()))
    await model.asked.wait()
    carrying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await carrying
    assert model.given_up


async def test_the_first_call_of_a_session_waits_its_share_and_no_other_does(work: Workspace) -> None:
    desk = JobContext(Scripted(list(SCRIPT)), work, stagger_s=10.0, jitter=0.3)
    carried = await run_session(fresh(), desk.means(), desk.watch())
    assert carried.session.ended
    assert desk.slept == [3.0]
    # a continued session waits no second time
    other = JobContext(Scripted(SCRIPT[2:]), work, stagger_s=10.0, jitter=0.3)
    await run_session(desk.kept[1], other.means(), other.watch())
    assert other.slept == []


async def test_a_stop_ends_the_wait_for_the_first_call(work: Workspace) -> None:
    desk, stop = JobContext(Scripted(list(SCRIPT)), work, stagger_s=3_600.0, jitter=1.0), asyncio.Event()
    waiting = replace(desk.watch(stop), sleep=asyncio.sleep)
    asyncio.get_running_loop().call_soon(stop.set)
    carried = await asyncio.wait_for(run_session(fresh(), desk.means(), waiting), 60)
    assert (carried.pause, desk.kept) == (Pause.STOPPED, [])
