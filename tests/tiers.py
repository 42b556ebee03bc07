"""Tiers of the tests: `quick` on every change, `full` before a change lands, `long` by hand.

A test's own marker wins, else its folder decides, else it is quick. At the end the slowest tests are listed.
"""

from dataclasses import dataclass

import pytest

TIERS = ("quick", "full", "long")
PLACES = {
    "browser": "full",
    # they run the checks of `make check` and pytest itself in processes of their own
    "checks/test_imports.py": "full",
    "checks/test_tiers.py": "full",
    "deployed": "full",
    "deployed/test_dashboard.py": "quick",
    "deployed/test_routes.py": "quick",
    "deployed/test_template.py": "quick",
    "execution/test_killed_anywhere.py": "full",
    "execution/test_on_a_git_server.py": "full",
    "faults": "full",
    "faults/test_invariants.py": "quick",
    "adapters/dynamodb/test_backlog_concurrency.py": "full",
    "adapters/git/test_parallel_landings.py": "full",
    # whole runs over real HTTP: each fault is tested quickly by itself in the same folder
    "llm/test_runs_over_http.py": "full",
    # processes of the local system: one system run is quick
    "local/demo/test_command.py": "full",
    "local/test_async_invokes.py": "full",
    "local/test_bursts.py": "full",
    "local/test_command.py": "full",
    "local/test_dropped_files.py": "full",
    "local/test_event_sources.py": "full",
    "local/test_fork_server.py": "full",
    "local/test_invocations.py": "full",
    "local/test_kept_data.py": "full",
    "local/test_read_path.py": "full",
    "repository_checks/test_on_this_machine.py": "full",
    "repository_checks/test_sessions_on_this_machine.py": "full",
    "sandbox": "full",
    "sandbox/test_log.py": "quick",
    "sandbox/test_verdict.py": "quick",
    "system": "full",
    "system/test_pipeline.py": "quick",
}
"""Tiers of folders and files other than quick, and exceptions inside these folders."""

OF_A_MODULE = frozenset({"browser", "executor", "system"})
OF_ALL = {"built": "deployed", "front": "deployed", "mocked": "mocked"}
"""Expensive fixtures; the tests sharing one run in one group on one worker.

The first set is shared by a module's tests, the second by all tests.
"""

MAX_SECONDS = 10.0
"""A test above this says why: `@pytest.mark.slow(reason="...")`."""

NOISE = 3.0
"""A loaded machine may take so many times longer before a test without a reason is named."""

MAX_LISTED = 30
REASON = "slow"


@dataclass(slots=True)
class Spent:
    """Seconds of one test with its fixtures."""

    seconds: float = 0.0
    reason: str = ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    first: set[str] = set()
    for item in items:
        item.add_marker(tier_of(item))
        if group := _group_of(item):
            item.add_marker(pytest.mark.xdist_group(group))
        if slow := item.get_closest_marker("slow"):
            # A worker sends this property to the printing process.
            item.user_properties.append((REASON, slow.kwargs["reason"]))
            first.add(_unit_of(item))
    # A long test begun last would keep one worker busy alone. A group stays together, for the fixtures of its modules.
    items.sort(key=lambda item: _unit_of(item) not in first)


def tier_of(item: pytest.Item) -> str:
    """The tier of a test. Raises UsageError where its markers name two."""
    own = [tier for tier in TIERS if item.get_closest_marker(tier)]
    if len(own) > 1:
        raise pytest.UsageError(f"{item.nodeid} is marked as {' and '.join(own)}")
    if own:
        return own[0]
    place = item.path.relative_to(item.config.rootpath / "tests")
    named = (str(part) for part in (place, *place.parents))
    return next((PLACES[part] for part in named if part in PLACES), "quick")


def _group_of(item: pytest.Item) -> str | None:
    if item.get_closest_marker("xdist_group"):
        return None
    used = frozenset(getattr(item, "fixturenames", ()))
    if shared := sorted(OF_ALL[name] for name in OF_ALL if name in used):
        return shared[0]
    return f"{item.path.parent.name}-{item.path.stem}" if OF_A_MODULE & used else None


def _unit_of(item: pytest.Item) -> str:
    """The tests that one worker runs in one go: a group, or one test."""
    group = item.get_closest_marker("xdist_group")
    return str(group.args[0]) if group else item.nodeid


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    spent = _spent(terminalreporter)
    total = sum(one.seconds for one in spent.values())
    if len(spent) <= 1 or not total:
        return
    terminalreporter.section(f"slowest {min(MAX_LISTED, len(spent))} of {len(spent)} tests, {total:.0f} s in all")
    slowest = sorted(spent.items(), key=lambda named: -named[1].seconds)
    for name, one in slowest[:MAX_LISTED]:
        because = f"  ({one.reason})" if one.reason else ""
        terminalreporter.write_line(f"{one.seconds:7.1f} s {one.seconds / total:6.1%}  {name}{because}")
    unexplained = [name for name, one in slowest if one.seconds > MAX_SECONDS * NOISE and not one.reason]
    if unexplained:
        terminalreporter.section(f"above {MAX_SECONDS:.0f} s without a reason: mark them slow(reason=...)")
        for name in unexplained:
            terminalreporter.write_line(name)


def _spent(reporter: pytest.TerminalReporter) -> dict[str, Spent]:
    spent: dict[str, Spent] = {}
    for reports in reporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                one = spent.setdefault(report.nodeid, Spent())
                one.seconds += report.duration
                one.reason = str(dict(report.user_properties).get(REASON, ""))
    return spent
