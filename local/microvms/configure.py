"""The stand-in, configured by the environment."""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from local.microvms.launcher import Launcher, Machine
from local.microvms.package_hosts import PackageHosts, package_hosts
from local.microvms.service import MicrovmService

IMAGE = "arn:aws:lambda:us-east-1:000000000000:microvm-image:groundwork"
CHECKS = ("on", "off", "unconfined")
_OFF = "Checks are switched off on this machine (GROUNDWORK_CHECKS=off)."


class WrongSetting(ValueError):
    """A variable of the environment has no such value."""


class LocalMicrovms:
    """The service and its folder. Raises WrongSetting."""

    def __init__(self, env: Mapping[str, str]) -> None:
        checks = env.get("GROUNDWORK_CHECKS") or "on"
        if checks not in CHECKS:
            raise WrongSetting(f"GROUNDWORK_CHECKS must be one of {', '.join(CHECKS)}, not {checks!r}")
        self._folder = Path(tempfile.mkdtemp(prefix="groundwork-", dir=_short_folder()))
        machine = Machine(
            confined=checks != "unconfined",
            disk_mb=_megabytes(env, "GROUNDWORK_CHECKS_DISK_MB", 4096),
            memory_mb=_megabytes(env, "GROUNDWORK_CHECKS_MEMORY_MB", 4096),
            folders=tuple(filter(None, env.get("GROUNDWORK_CHECKS_FOLDERS", "").split(os.pathsep))),
            packages=Once(package_hosts),
        )
        off = _OFF if checks == "off" else ""
        self.service = MicrovmService(Launcher(machine, self._folder), self._folder, IMAGE, off)

    def close(self) -> None:
        """Ends every machine."""
        self.service.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _short_folder() -> str | None:
    """A folder for sockets: their paths have 104 characters at most, macOS's own takes half."""
    return "/tmp" if len(tempfile.gettempdir()) > 30 and os.path.isdir("/tmp") else None  # noqa: S108


class Once:
    """Asks once, whoever wants to know first; the others wait for the same answer."""

    def __init__(self, ask: Callable[[], PackageHosts]) -> None:
        self._ask, self._lock = ask, threading.Lock()
        self._answer: PackageHosts | None = None

    def __call__(self) -> PackageHosts:
        with self._lock:
            if self._answer is None:
                self._answer = self._ask()
            return self._answer


def _megabytes(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or int(text) < 64:
        raise WrongSetting(f"{name} must be a number of MB, 64 or more, not {text!r}")
    return int(text)
