"""Requests out of time on the local system: a stalled table, a short function timeout."""

import time
from collections.abc import Iterator

import pytest

from local.system import LocalSystem
from tests.system.client import ROOT, Client, running

SECONDS = 5


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalSystem, Client]]:
    """The local system on the template with a shorter time for each API function."""
    directory = tmp_path_factory.mktemp("hurried")
    for name in ("functions", "layers", "statemachines"):
        (directory / name).symlink_to(ROOT / name)
    text = (ROOT / "template.yaml").read_text()
    assert text.count("    Timeout: 29\n") == 1
    template = directory / "template.yaml"
    template.write_text(text.replace("    Timeout: 29\n", f"    Timeout: {SECONDS}\n"))
    with running(template=template, GROUNDWORK_AI="mock") as system:
        yield system


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("/api/projects/{project}", "ManageBacklogFunction"),
        ("/api/projects/{project}/runs", "GetProgressFunction"),
        ("/api/repositories", "ManagePlansFunction"),
    ],
)
def test_a_request_out_of_time_is_a_504_and_the_process_serves_the_next(
    hurried: tuple[LocalSystem, Client], path: str, function: str
) -> None:
    system, client = hurried
    path = path.format(project=client.project(1))
    client.ok(client.http.get(path))
    before = system.pids(function)
    with system.stalled_tables():
        began = time.monotonic()
        answer = client.http.get(path)
        seconds = time.monotonic() - began
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "TIMED_OUT"), answer.text
    assert answer.json()["error"]["requestId"] == answer.headers["x-request-id"]
    assert SECONDS - 2 < seconds < SECONDS
    client.ok(client.http.get(path))
    assert system.pids(function) == before
