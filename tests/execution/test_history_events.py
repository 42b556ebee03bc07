"""Events in the history of the state machine while commands run. A history holds 25,000."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.agent.brief import check_state_for
from groundwork.agent.check_state import MAX_RUNS
from groundwork.agent.runner import POLL_IN_PLACE_S, WAIT_IN_PLACE_S
from groundwork.checks.model import MAX_COMMANDS, CheckSettings, CommandResult
from groundwork.checks.poll_delay import MAX_DELAY_S, MIN_DELAY_S, next_look_s, poll_delay_s, wait_for_slot_s
from groundwork.checks.ports import CheckProgress
from groundwork.checks.runner import MAX_LIFE_SECONDS
from groundwork.execution.state import MAX_ATTEMPTS
from groundwork.execution.step_handler import MAX_INLINE_CHECKED_PLAN

MAX_EVENTS = 25_000
PHASE = json.loads((Path(__file__).parents[2] / "statemachines" / "plan.asl.json").read_text())["States"]["Phases"]
STATES = PHASE["ItemProcessor"]["States"]["SequentialTasks"]["ItemProcessor"]["States"]

EVENTS = {
    # entered, scheduled, started, succeeded, exited
    "Task": 5,
    # entered, exited
    "Choice": 2,
    "Wait": 2,
}


def events_of_a_look() -> int:
    """Events from one look at a command to the next, along the transitions of the definition."""
    name, events = "SequentialWork", 0
    while True:
        state: dict[str, Any] = STATES[name]
        events += EVENTS[state["Type"]]
        later = [one["Next"] for one in state.get("Choices", ()) if one["StringEquals"] == "LATER"]
        name = later[0] if later else state["Next"]
        if name == "SequentialWork":
            return events


def looks_at(seconds: float, commands: int = 1) -> int:
    """Looks at a job of equal commands after it was put away, as the session waits for it."""
    each, looks = seconds / commands, 0
    done, now = divmod(WAIT_IN_PLACE_S, each) if seconds > WAIT_IN_PLACE_S else (commands, 0.0)
    while done < commands:
        ended = [CommandResult(command="x", seconds=each)] * int(done)
        running = CommandResult(command="x", seconds=now)
        # without time in place: a look starts the next command, and leaves it
        now += next_look_s(CheckProgress((*ended, running)))
        looks += 1
        if now >= each:
            done, now = done + 1, 0.0
    return looks


def test_a_look_at_a_command_is_nine_events() -> None:
    assert events_of_a_look() == 9


def test_the_longest_command_takes_a_small_part_of_a_history() -> None:
    # a sandbox, and so a command, lives eight hours at most
    assert looks_at(MAX_LIFE_SECONDS) * events_of_a_look() < MAX_EVENTS / 20


@pytest.mark.parametrize("seconds", [21, 60, 240, 600, 3_600, MAX_LIFE_SECONDS])
def test_an_end_is_seen_soon_for_the_time_the_command_took(seconds: int) -> None:
    now = WAIT_IN_PLACE_S
    while now < seconds:
        now += poll_delay_s(now) + POLL_IN_PLACE_S
    assert now - seconds <= max(MIN_DELAY_S, min(seconds / 2, MAX_DELAY_S)) + POLL_IN_PLACE_S


def most_looks(seconds: int) -> int:
    """Looks at an attempt's commands, in the worst division of its seconds."""
    divisions = [(runs, commands) for runs in range(1, MAX_RUNS + 1) for commands in range(1, MAX_COMMANDS + 1)]
    return max(runs * looks_at(seconds / runs, commands) for runs, commands in divisions)


def test_tasks_with_all_calls_and_seconds_used_up_fit_into_one_history() -> None:
    seconds = check_state_for("XL", CheckSettings(verify=("x",))).max_seconds
    # each attempt may also wait for the longest check of a landing, after its set-up
    looks = MAX_ATTEMPTS * (most_looks(seconds) + looks_at(MAX_LIFE_SECONDS, 2 * MAX_COMMANDS))
    assert MAX_INLINE_CHECKED_PLAN * looks * events_of_a_look() < MAX_EVENTS


def test_the_end_of_a_short_command_is_seen_soon_after_a_long_one() -> None:
    ended, running = CommandResult(command="long", seconds=600.0), CommandResult(command="short", seconds=5.0)
    assert next_look_s(CheckProgress((ended, running))) == pytest.approx(60.5)


def test_three_days_without_a_free_sandbox_takes_a_part_of_a_history() -> None:
    waited, looks = 0.0, 0
    while waited < 3 * 86_400:
        waited, looks = waited + wait_for_slot_s(waited), looks + 1
    assert looks * events_of_a_look() < MAX_EVENTS / 4


def test_without_a_running_command_the_runner_decides() -> None:
    assert next_look_s(CheckProgress(wait_s=2.0)) == 2.0
    assert next_look_s(CheckProgress(wait_s=60.0)) == 60.0


def test_the_delays_grow_and_respect_the_runner() -> None:
    delays = [poll_delay_s(run) for run in range(0, 3_600, 10)]
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (MIN_DELAY_S, MAX_DELAY_S)
    assert poll_delay_s(0.0, 60.0) == 60.0
    assert poll_delay_s(0.0, 10**6) == MAX_DELAY_S
