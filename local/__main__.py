"""`python -m local`: the whole system on one machine until Ctrl-C."""

import argparse
import os
import sys
from pathlib import Path

from deploy.files import DIST
from local.access import TokenTooWeak, admin_token, check_access, port_number
from local.data import DataRefused, data_path
from local.demo.answers import with_answers
from local.engine.dynamodb import EngineFailed
from local.stop_signal import StopSignal
from local.storage import Storage


def main() -> int:
    """Serve until SIGINT or SIGTERM; return exit status 1 if the start fails."""
    arguments = _arguments()
    try:
        check_access(arguments.host, admin_token(os.environ))
    except TokenTooWeak as exc:
        return _refuse(str(exc))
    # Installed first: a signal during the start must not leave half a system behind.
    return _serve(arguments, StopSignal())


def _serve(arguments: argparse.Namespace, stop: StopSignal) -> int:
    try:
        path = data_path(os.environ)
        # The engine starts while the imports below run.
        storage = Storage.open(path, os.environ, _say) if path else None
        # SAM CLI and moto take one or two seconds to import, so arguments are checked before.
        from local.microvms.configure import InvalidSetting
        from local.serving import CannotListen, PortInUse
        from local.system import LocalSystem
    except DataRefused as exc:
        return _refuse(str(exc))
    try:
        with LocalSystem(
            arguments.template,
            host=arguments.host,
            port=arguments.port,
            env=with_answers(os.environ),
            dashboard=arguments.dashboard,
            storage=storage,
        ) as system:
            for schedule in system.unsupported_schedules:
                print(f"Schedule {schedule.name} does not run locally: {schedule.expression} is not a rate.")
            print(f"Groundwork listens on {system.url} (Authorization: Bearer {system.token})", flush=True)
            print("Open it in a browser for the dashboard, and sign in with the token.", flush=True)
            stop.wait()
    except InvalidSetting as exc:
        return _refuse(str(exc))
    except PortInUse as exc:
        return _refuse(f"{exc}. Stop the other program or choose another port: {exc.instead} make start")
    except (CannotListen, EngineFailed) as exc:
        return _refuse(str(exc))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
    # A text default: argparse then rejects a bad PORT like a bad --port.
    parser.add_argument("--port", type=port_number, default=os.environ.get("PORT") or "3000")
    parser.add_argument("--template", type=Path, default=Path("template.yaml"))
    parser.add_argument("--dashboard", type=Path, default=DIST, help="the built dashboard, served at /")
    return parser.parse_args()


def _say(line: str) -> None:
    print(line, flush=True)


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
