"""`python -m local.demo`: take the examples from feedback to commits on a local system.

The last step runs a plan on a copy of examples/cycling-app. The copy is a git repository in build/demo and stays there
for inspection.

The output of the functions goes to build/demo.log and leaves the progress bars intact. The data is in build/demo/data,
emptied at every start. `make start DATA=build/demo/data` serves the data of the last demo.
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
from local.access import DEFAULT_TOKEN, TokenTooWeak, admin_token, check_access, port_number
from local.data import MEMORY, DataRefused, erase
from local.demo.answers import with_answers
from local.demo.api import Api, JobFailed, Stopped
from local.demo.job import MEDIA, Job, JobResult
from local.demo.repository import create_repository
from local.demo.screen import open_screen, print_next_steps, print_summary
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
    """Return 0 if every run succeeded, 1 after a failure, 130 if stopped before the end."""
    arguments, console = _arguments(), Console()
    try:
        files = files_to_import(arguments.cards)
        check_access(arguments.host, admin_token(os.environ))
    except (TokenTooWeak, FileNotFoundError, ValueError) as exc:
        return _refuse(str(exc))
    # Installed first: a signal during the start must not leave half a system behind.
    return _run_demo(arguments, files, console, StopSignal())


def _run_demo(arguments: argparse.Namespace, files: list[Path], console: Console, stop: StopSignal) -> int:
    # SAM CLI and moto take one or two seconds to import, so arguments are checked before.
    from local.serving import CannotListen, PortInUse
    from local.system import LocalSystem

    console.print("Starting the local system …", highlight=False)
    try:
        log = FunctionLog(LOG)
        storage = open_empty_storage(DATA, os.environ, lambda line: console.print(line, highlight=False))
    except (DataRefused, OSError) as exc:
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
            result = _run_job(system.url, system.token, files, console, stop)
            token = system.token if system.token == DEFAULT_TOKEN else "$GROUNDWORK_TOKEN"
            print_next_steps(console, system.url, token, result, REPOSITORY.relative_to(ROOT))
            if not arguments.exit:
                console.print("\nPress Ctrl-C to stop.", highlight=False)
                stop.wait()
            return 0 if result.succeeded else 1
    except PortInUse as exc:
        return _refuse(f"{exc}. Stop the other program or choose another port: {exc.instead} make demo")
    except Stopped:
        return 130
    except (CannotListen, EngineFailed) as exc:
        return _refuse(str(exc))
    except (JobFailed, httpx.HTTPError) as exc:
        return _refuse(f"{exc}\nThe log of the functions is in {LOG}")


def _run_job(url: str, token: str, files: list[Path], console: Console, stop: StopSignal) -> JobResult:
    name = "Example: a cycling app" if files[0].parent == EXAMPLES else files[0].stem[:100]
    with (
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=40) as http,
        open_screen(console) as screen,
    ):
        repository = create_repository(EXAMPLES / "cycling-app", REPOSITORY)
        result = Job(Api(http, stop.wait), screen).run(name, files, repository)
    print_summary(console, result)
    return result


def open_empty_storage(data: Path, shell: Mapping[str, str], say: Callable[[str], None]) -> Storage | None:
    """Empty and open the demo's data folder; None for DATA=memory.

    Raises DataRefused while another demo runs.
    """
    if shell.get("DATA") == MEMORY:
        return None
    erase(data)
    return Storage.open(data, shell, say)


class FunctionLog:
    """Log file of the functions' output; whole lines from many threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        self._path, self._lock = path, threading.Lock()

    def write(self, function: str, line: str) -> None:
        with self._lock, self._path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"[{function}] {line}\n")


def environment(shell: Mapping[str, str]) -> dict[str, str]:
    """Return the shell's variables with the mock's written answers and a low latency."""
    latency = shell.get("GROUNDWORK_MOCK_LATENCY_MS") or MOCK_LATENCY_MS
    return {**with_answers(shell), "GROUNDWORK_MOCK_LATENCY_MS": latency}


def files_to_import(chosen: Path | None) -> list[Path]:
    """Return the files to import.

    Raises FileNotFoundError, or ValueError for an unsupported type.
    """
    if chosen is None:
        return sorted(path for path in EXAMPLES.iterdir() if path.suffix in MEDIA)
    if not chosen.is_file():
        raise FileNotFoundError(f"File not found: {chosen}")
    if chosen.suffix.lower() not in MEDIA:
        raise ValueError(f"{chosen}: unsupported file type; use one of {', '.join(MEDIA)}")
    return [chosen]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--cards", type=Path, metavar="FILE", help="import this CSV, NDJSON or JSON, not the examples")
    # A text default: argparse then rejects a bad PORT like a bad --port.
    parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
    parser.add_argument("--port", type=port_number, default=os.environ.get("PORT") or "3000")
    exit_after = os.environ.get("EXIT", "") not in ("", "0")
    parser.add_argument("--exit", action="store_true", default=exit_after, help="exit after the job (EXIT=1)")
    return parser.parse_args()


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
