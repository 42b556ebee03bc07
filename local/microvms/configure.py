"""The stand-in's settings, read from environment variables."""

import os
import tempfile
import threading
from collections.abc import Callable, Mapping

from local.microvms.launcher import Launcher, SandboxSettings
from local.microvms.package_hosts import PackageHosts, package_hosts
from local.microvms.service import MicrovmService
from local.temporary_folder import TemporaryFolder

IMAGE = "arn:aws:lambda:us-east-1:000000000000:microvm-image:groundwork"
BURST = 4
"""A MicroVM may use so many times its baseline memory."""

CHECKS = ("on", "off", "unconfined")
_OFF = "Checks are disabled on this machine (GROUNDWORK_CHECKS=off)."


class InvalidSetting(ValueError):
    """An environment variable has an invalid value."""


class LocalMicrovms:
    """The service and its folder. Raises InvalidSetting."""

    def __init__(self, env: Mapping[str, str]) -> None:
        checks = env.get("GROUNDWORK_CHECKS") or "on"
        if checks not in CHECKS:
            raise InvalidSetting(f"GROUNDWORK_CHECKS must be one of {', '.join(CHECKS)}, not {checks!r}")
        machine = SandboxSettings(
            confined=checks != "unconfined",
            disk_mb=_megabytes(env, "GROUNDWORK_CHECKS_DISK_MB", 4096),
            memory_mb=_megabytes(env, "GROUNDWORK_CHECKS_MEMORY_MB", 4096),
            folders=tuple(filter(None, env.get("GROUNDWORK_CHECKS_FOLDERS", "").split(os.pathsep))),
            packages=CallOnce(package_hosts),
        )
        self.baseline_mb = machine.memory_mb // BURST
        off = _OFF if checks == "off" else ""
        # Created after the settings are checked: an invalid one must not leave a folder.
        self._folder = TemporaryFolder(_short_folder())
        path = self._folder.path
        self.service = MicrovmService(Launcher(machine, path), path, IMAGE, off)

    def close(self) -> None:
        """Terminate every machine and delete the folder."""
        self.service.close()
        self._folder.close()


def _short_folder() -> str | None:
    """Return a short folder for sockets.

    Their paths have at most 104 characters, and macOS's own folder takes half.
    """
    return "/tmp" if len(tempfile.gettempdir()) > 30 and os.path.isdir("/tmp") else None  # noqa: S108


class CallOnce:
    """Calls `ask` once and shares the result among threads."""

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
        raise InvalidSetting(f"{name} must be a number of MB, 64 or more, not {text!r}")
    return int(text)
