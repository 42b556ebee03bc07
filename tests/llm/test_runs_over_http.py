"""Whole runs through the real SDK: each provider fault once, then permanent faults."""

from collections import Counter
from dataclasses import replace

import pytest
from anthropic import Timeout

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.backlog.model import Mode
from groundwork.llm.claude import anthropic_api
from groundwork.runs.hop import HopEnd
from groundwork.runs.model import ErrorCode, ItemStatus, Run, RunStatus, RunType
from tests.anthropic_server import faults
from tests.anthropic_server.faults import on_calls, on_text
from tests.anthropic_server.server import AnthropicServer
from tests.runs.world import World

ONE_OF_EACH = {
    2: faults.rate_limited(0.05),
    3: faults.failed(500),
    5: faults.dropped(),
    6: faults.truncated(),
    8: faults.malformed(),
    9: faults.out_of_range(),
    11: faults.overloaded(),
    12: faults.cut(),
    14: faults.unreadable(),
    15: faults.hanging(1),
    17: faults.refused(),
}


async def carried_out(world: World, run_id: str, server: AnthropicServer) -> Run:
    """Hop after hop, each with a client of its own as in a real invocation."""
    for number in range(20):
        worker = replace(
            world.worker(f"worker-{number}"),
            model_for=lambda run: anthropic_api(run.model, "key", server.url, Timeout(20.0)),
        )
        if await worker.hop(run_id) is HopEnd.ENDED:
            break
    return world.run(run_id)


async def test_a_run_survives_one_fault_of_each_kind_and_counts_what_was_billed(moto_tables: Tables) -> None:
    world = World(moto_tables)
    world.add_epics(20)
    run_id = world.start(RunType.GENERATE_STORIES, mode=Mode.COMPACT)
    with AnthropicServer(on_calls(ONE_OF_EACH)) as server:
        run = await carried_out(world, run_id, server)
    world.check(run_id)
    failed = [entry for entry in world.entries(run_id) if entry.status is ItemStatus.FAILED]
    codes = [entry.error_code for entry in failed]
    assert ErrorCode.ANSWER_REFUSED in codes
    # beside the refusal, only items with a bad answer and a bad correction may have failed
    assert set(codes) <= {ErrorCode.ANSWER_REFUSED, ErrorCode.ANSWER_INVALID, ErrorCode.ANSWER_TRUNCATED}
    assert len(codes) <= 3
    assert (run.status, run.completed) == (RunStatus.PARTIAL, 20 - len(codes))
    assert run.usage == server.billed
    assert len(world.rows("S")) == run.created
    completed = [entry for entry in world.entries(run_id) if entry.status is ItemStatus.COMPLETED]
    assert all(3 <= entry.created <= 5 for entry in completed)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.refused(), ErrorCode.ANSWER_REFUSED),
        (faults.filtered(), ErrorCode.ANSWER_REFUSED),
        (faults.out_of_range(), ErrorCode.ANSWER_INVALID),
    ],
    ids=["refused", "filtered", "out of range"],
)
async def test_an_item_that_never_succeeds_fails_with_its_reason_and_no_other_does(
    moto_tables: Tables, fault: faults.Fault, code: ErrorCode
) -> None:
    world = World(moto_tables)
    world.add_epics(9)
    run_id = world.start(RunType.GENERATE_STORIES, mode=Mode.COMPACT)
    with AnthropicServer(on_text({"Epic 7": fault})) as server:
        run = await carried_out(world, run_id, server)
    world.check(run_id)
    assert Counter(entry.error_code for entry in world.entries(run_id)) == {None: 8, code: 1}
    assert run.usage.output == server.billed.output
    assert run.status is RunStatus.PARTIAL


async def test_a_wrong_key_fails_the_run_and_not_its_items_one_by_one(moto_tables: Tables) -> None:
    world = World(moto_tables)
    world.add_epics(30)
    run_id = world.start(RunType.GENERATE_STORIES, mode=Mode.COMPACT)
    with AnthropicServer(lambda call: faults.failed(401)) as server:
        run = await carried_out(world, run_id, server)
        assert server.calls <= 8, "no further call is made once it is known that none can succeed"
    world.check(run_id)
    assert run.status is RunStatus.FAILED
    assert run.usage.output == 0


async def test_no_item_fails_under_a_real_rate_limit(moto_tables: Tables) -> None:
    world = World(moto_tables)
    world.add_cards(40, text="It crashes when I search " + "x" * 1_300)
    run_id = world.start(RunType.ANALYZE_CARDS)
    with AnthropicServer(requests_a_minute=1_500, burst=5) as server:
        run = await carried_out(world, run_id, server)
    world.check(run_id)
    assert (run.status, run.completed) == (RunStatus.SUCCEEDED, 40)
    assert run.usage == server.billed
