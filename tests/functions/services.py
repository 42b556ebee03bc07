"""Services of a function on real tables, with fakes of the other AWS services."""

from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from groundwork.adapters.dynamodb.tables import Tables
from groundwork.composition import Services
from groundwork.settings import Settings
from tests.fakes.executions import MemoryMachine
from tests.fakes.import_files import MemoryFiles
from tests.fakes.sandboxes import FakeSandboxes, Outcome
from tests.fakes.timer import MemoryTimer
from tests.fakes.upstream import FakeServer, FakeUpstream

SERVER = FakeServer.of({"README.md": "# App\n"})
"""Git server of all repositories."""


def services_on(tables: Tables, **changes: Any) -> Services:
    settings = replace(Settings.from_environment({}), ai="mock", process_next="process-next")
    sandboxes = FakeSandboxes(lambda command, files: Outcome())
    made = Services(
        settings,
        tables,
        invoke=lambda run_id: None,
        machine=MemoryMachine(),
        timer=MemoryTimer(),
        sandboxes=lambda secret: sandboxes,
        start_baseline=lambda repository_id: None,
        files=MemoryFiles(),
        open_clone=lambda repository, folder: nullcontext(FakeUpstream(SERVER)),
    )
    return replace(made, **changes)
