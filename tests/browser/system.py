"""The local system as `make start` serves it, dashboard and all, for a browser to look at."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from deploy.files import DIST
from local import logs
from local.system import LocalSystem
from tests.system.client import Client

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def serving(
    port: int = 0, *, sweeps: bool = True, quiet: bool = False, **settings: str
) -> Iterator[tuple[LocalSystem, Client]]:
    """Start a local system for a browser test.

    `settings`: environment variables. A schedule's minute lasts four seconds; without `sweeps` the schedules do not
    fire. `quiet` hides the functions' output.
    """
    shell = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GROUNDWORK_", "ANTH"))}
    with (
        LocalSystem(
            ROOT / "template.yaml",
            port=port,
            env=shell | settings,
            parameters={"SweepRate": "1 minute"},
            dashboard=DIST,
            retry_delays=(0.1, 0.2),
            minute=4.0 if sweeps else 3_600.0,
            poll_interval=0.4,
            log=_nothing if quiet else logs.print_line,
        ) as system,
        httpx.Client(base_url=system.url, headers={"Authorization": f"Bearer {system.token}"}, timeout=120) as http,
    ):
        yield system, Client(http)


def _nothing(function: str, line: str) -> None:
    pass
