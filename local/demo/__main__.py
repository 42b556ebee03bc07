"""`python -m local.demo`: the local system, with the main job carried through on the examples.

The plan at its end is carried out on a copy of examples/cycling-app, a git repository in build/demo, which stays there
to be looked at.

What the functions print goes to build/demo.log, so that it does not tear the bars apart. The data is in
build/demo/data, emptied at every start: `make start DATA=build/demo/data` serves what the last demo has left.
"""

import argparse
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from rich.console import Console

from deploy.files import DIST
from local.access import DEFAULT_TOKEN, TokenTooWeak, admin_token, check_access
from local.data import MEMORY, DataRefused, forget
from local.demo.api import Api, JobFailed, Stopped
from local.demo.job import MEDIA, Job, Outcome
from local.demo.repository import made_anew
from local.demo.screen import screen_of, show_summary, show_where
from local.engine.dynamodb import EngineFailed
from local.stop_signal import StopSignal
from local.storage import Storage

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
LOG = ROOT / "build" / "demo.log"
DATA = ROOT / "build" / "demo" / "data"
REPOSITORY = ROOT / "build" / "demo" / "cycling-app"
MOCK_LATENCY_MS = "200"


def main() -> int:
    """0 if every run succeeded; 1 if not, or if it cannot start; 130 if it was ended before the job was done."""
    arguments, console = _arguments(), Console()
    try:
        files = cards_in(arguments.cards)
        check_access(arguments.host, admin_token(os.environ))
    except (TokenTooWeak, FileNotFoundError, ValueError) as exc:
        return _refuse(str(exc))
    # installed before anything is started: a signal during the start must not leave half a system behind
    return _demonstrate(arguments, files, console, StopSignal())


def _demonstrate(arguments: argparse.Namespace, files: list[Path], console: Console, stop: StopSignal) -> int:
    # SAM CLI and moto take a second or two to import; a wrong argument is refused without them
    from local.serving import PortInUse
    from local.system import LocalSystem

    console.print("Starting the local system …", highlight=False)
    log = FunctionLog(LOG)
    try:
        storage = emptied(DATA, os.environ, lambda line: console.print(line, highlight=False))
    except DataRefused as exc:
        return _refuse(str(exc))
    try:
        with LocalSystem(
            ROOT / "template.yaml",
            host=arguments.host,
            port=arguments.port,
            env=environment(os.environ),
            dashboard=DIST,
            storage=storage,
            log=log.write,
        ) as system:
            outcome = _carry_out(system.url, system.token, files, console, stop)
            shown = system.token if system.token == DEFAULT_TOKEN else "$GROUNDWORK_TOKEN"
            show_where(console, system.url, shown, outcome, REPOSITORY.relative_to(ROOT))
            if not arguments.exit:
                console.print("\nCtrl-C ends it.", highlight=False)
                stop.wait()
            return 0 if outcome.succeeded else 1
    except PortInUse as exc:
        return _refuse(f"{exc}. Stop the other program or choose another port: {exc.instead} make demo")
    except Stopped:
        return 130
    except EngineFailed as exc:
        return _refuse(str(exc))
    except (JobFailed, httpx.HTTPError) as exc:
        return _refuse(f"{exc}\nWhat the functions printed is in {LOG}")


def _carry_out(url: str, token: str, files: list[Path], console: Console, stop: StopSignal) -> Outcome:
    name = "Example: a cycling app" if files[0].parent == EXAMPLES else files[0].stem[:100]
    with (
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=40) as http,
        screen_of(console) as screen,
    ):
        repository = made_anew(EXAMPLES / "cycling-app", REPOSITORY)
        outcome = Job(Api(http, stop.wait), screen).carry_out(name, files, repository)
    show_summary(console, outcome)
    return outcome


def emptied(data: Path, shell: Mapping[str, str], say: Callable[[str], None]) -> Storage | None:
    """The demo's own data, forgotten first; None where DATA=memory. Raises DataRefused while another demo runs."""
    if shell.get("DATA") == MEMORY:
        return None
    forget(data)
    return Storage.open(data, shell, say)


class FunctionLog:
    """A file with what the functions printed, whole lines of many threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        self._path, self._lock = path, threading.Lock()

    def write(self, function: str, line: str) -> None:
        with self._lock, self._path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"[{function}] {line}\n")


def environment(shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's, with a mock that is quick enough to watch unless the user has chosen otherwise."""
    return {**shell, "GROUNDWORK_MOCK_LATENCY_MS": shell.get("GROUNDWORK_MOCK_LATENCY_MS") or MOCK_LATENCY_MS}


def cards_in(chosen: Path | None) -> list[Path]:
    """The files to import. Raises FileNotFoundError, and ValueError for a kind of file that is not imported."""
    if chosen is None:
        return sorted(path for path in EXAMPLES.iterdir() if path.suffix in MEDIA)
    if not chosen.is_file():
        raise FileNotFoundError(f"There is no file {chosen}")
    if chosen.suffix.lower() not in MEDIA:
        raise ValueError(f"{chosen}: cards are read from {', '.join(MEDIA)}")
    return [chosen]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--cards", type=Path, metavar="FILE", help="import this CSV, NDJSON or JSON, not the examples")
    # as text, so that a port that is no number is refused as an argument is
    parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or "3000")
    ends = os.environ.get("EXIT", "") not in ("", "0")
    parser.add_argument("--exit", action="store_true", default=ends, help="end after the job (EXIT=1)")
    return parser.parse_args()


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
