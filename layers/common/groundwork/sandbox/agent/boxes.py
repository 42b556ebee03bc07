"""Boxes: the command line and the environment of one command."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import IO, Any

from .egress import PROXY_PORT
from .system_calls import system_call_filter

PROGRAM = os.path.abspath(sys.argv[0])
"""Path of this program, for the relay in a box: an archive, or a folder with a __main__."""

DEFAULTS = {"timeoutS": 600, "memoryMb": 2048, "processes": 256, "fileMb": 1024, "logBytes": 1024 * 1024, "files": 1024}

_SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
# the machine's users, hosts and name servers stay unseen: `_MADE_UP` has substitutes, the proxy resolves names
_ETC = (
    "alternatives", "ca-certificates", "crypto-policies", "fonts", "java", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
    "localtime", "magic", "mime.types", "nsswitch.conf", "pki/ca-trust/extracted", "pki/tls/certs",
    "pki/tls/openssl.cnf",
    "protocols", "services", "ssl/certs", "ssl/openssl.cnf", "timezone",
)  # fmt: skip
# many programs look up their user or `localhost`, and fail without an entry
_MADE_UP = {
    "passwd": "root:x:0:0::/:/bin/sh\nbox:x:1000:1000::/home/box:/bin/sh\n",
    "group": "root:x:0:\nbox:x:1000:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
}
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class Boxes:
    """Command line and environment of a box. This base class runs commands without isolation."""

    confined = False
    filter: str | None = None
    """Path of the seccomp program."""

    def __init__(self, config: Mapping[str, Any], root: str) -> None:
        self.config, self.root = config, root
        self.work, self.home, self.run = (os.path.join(root, name) for name in ("work", "home", "run"))
        for folder in (self.work, self.home, self.run, os.path.join(root, "boxes")):
            os.makedirs(folder, exist_ok=True)
        self.path = str(config.get("path") or "/usr/local/bin:/usr/bin:/bin")

    def private(self, name: str) -> dict[str, str]:
        """Make the private folders of one command."""
        base = os.path.join(self.root, "boxes", name)
        made = {kind: os.path.join(base, kind) for kind in ("tmp", "shm")}
        for folder in made.values():
            os.makedirs(folder, exist_ok=True)
        return made

    def discard(self, name: str) -> None:
        base = os.path.join(self.root, "boxes", name)
        try:
            shutil.rmtree(base)
        except (OSError, RecursionError):  # read-only folders, or folders nested too deeply for Python
            open_folders = ["find", base, "-type", "d", "!", "-perm", "-700", "-exec", "chmod", "u+rwx", "{}", ";"]
            subprocess.run(open_folders, check=False, capture_output=True)
            subprocess.run(["rm", "-rf", "--", base], check=False, capture_output=True)

    def environment(self, private: Mapping[str, str], network: bool, extra: Mapping[str, str]) -> dict[str, str]:
        given = {"PATH": self.path, "HOME": self.home, "TMPDIR": private["tmp"], "LANG": "C.UTF-8", "TERM": "dumb"}
        # package indexes of the machine are for set-up alone: a check has no network to use them
        setup = dict(self.config.get("env") or {}) if network else {}
        return {**given, "CI": "true", **setup, **extra}

    def command(
        self, argv: Sequence[str], private: Mapping[str, str], env: Mapping[str, str], cwd: str, *, network: bool,
        limits: Mapping[str, int], fds: tuple[int, int | None], writable: Sequence[str] = ("work", "home"),
    ) -> list[str]:  # fmt: skip
        return list(argv)

    def directory(self, cwd: str) -> str:
        return os.path.join(self.work, cwd)

    def inside(self, name: str) -> str:
        """Return the path of `work`, `home`, or their parent `base`, as a command sees it."""
        return self.root if name == "base" else os.path.join(self.root, name)

    def helper(self, argv: Sequence[str], source: IO[bytes] | int, **streams: Any) -> subprocess.Popen[bytes]:
        """Start a system program in a box, because the files it works on are untrusted."""
        # bubblewrap writes a report, unused here, so it needs a descriptor
        private, filter_fd, nothing = self.private("helper"), open_filter(self), os.open(os.devnull, os.O_WRONLY)
        env = self.environment(private, False, {})
        # set-up may have had a higher limit: its files are restored whole
        limits = {**DEFAULTS, "fileMb": 2**20}
        line = self.command(argv, private, env, "", network=False, limits=limits, fds=(nothing, filter_fd))
        fds = [fd for fd in (nothing, filter_fd) if fd is not None]
        try:
            return subprocess.Popen(
                line, env={"PATH": self.path, "LANG": "C.UTF-8"}, stdin=source, pass_fds=fds, **streams
            )
        finally:
            for fd in fds:
                os.close(fd)


class Bubblewrap(Boxes):
    """Boxes of bubblewrap: own namespaces, no capabilities, only the listed folders visible."""

    confined = True

    def __init__(self, config: Mapping[str, Any], root: str) -> None:
        super().__init__(config, root)
        self._bwrap = str(config.get("bwrap") or shutil.which("bwrap") or "bwrap")
        for name, text in _MADE_UP.items():
            with open(os.path.join(self.run, name), "w") as file:
                file.write(text)
        program = system_call_filter(platform.machine())
        self.filter = os.path.join(self.run, "filter") if program else None
        if self.filter and program:
            with open(self.filter, "wb") as binary:
                binary.write(program)
        self._system = self._system_folders()

    def environment(self, private: Mapping[str, str], network: bool, extra: Mapping[str, str]) -> dict[str, str]:
        given = super().environment(private, network, {})
        given.update(HOME="/home/box", TMPDIR="/tmp", USER="box", LOGNAME="box")  # noqa: S108
        if network:
            url = f"http://127.0.0.1:{PROXY_PORT}"
            # programs disagree on the case: curl reads `http_proxy` in lower case only
            names = (
                "HTTP_PROXY",
                "HTTPS_PROXY",
                "http_proxy",
                "https_proxy",
                "npm_config_proxy",
                "npm_config_https_proxy",
            )
            given.update(dict.fromkeys(names, url))
            # pip, requests and Node bring their own authorities, and would refuse a mirror with a company's certificate
            if os.path.exists(_CERTIFICATES):
                files = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
                given.update(dict.fromkeys(files, _CERTIFICATES))
        return {**given, **extra}

    def command(
        self, argv: Sequence[str], private: Mapping[str, str], env: Mapping[str, str], cwd: str, *, network: bool,
        limits: Mapping[str, int], fds: tuple[int, int | None], writable: Sequence[str] = ("work", "home"),
    ) -> list[str]:  # fmt: skip
        status, filter_fd = fds
        line = [
            # lower priority: the agent must answer while a command uses every core
            "nice", "-n", "5", "prlimit", f"--nproc={limits['processes']}", f"--fsize={limits['fileMb'] * 2**20}",
            "--core=0", f"--nofile={limits['files']}", "--", self._bwrap,
            "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
            # a user namespace inside the box would give the command capabilities again
            "--unshare-net", "--disable-userns", "--uid", "1000", "--gid", "1000", "--hostname", "box",
            # a session of its own has no terminal to push input into (TIOCSTI)
            "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv", *self._system,
            # mount /proc/sys read-only: if the agent is root, a box could write its files
            "--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev",
            # /dev is a tmpfs without a limit, so it is read-only; /dev/shm is on the sandbox's limited disk
            "--bind", private["shm"], "/dev/shm", "--remount-ro", "/dev", "--bind", private["tmp"], "/tmp",  # noqa: S108
            "--json-status-fd", str(status),
        ]  # fmt: skip
        for name, place in (("work", "/work"), ("home", "/home/box")):
            line += ["--bind" if name in writable else "--ro-bind", os.path.join(self.root, name), place]
        if filter_fd is not None:
            line += ["--seccomp", str(filter_fd)]
        for name, value in env.items():
            line += ["--setenv", name, value]
        line += ["--chdir", os.path.join("/work", cwd)]
        if network:
            # the box has a loopback of its own: the relay carries the proxy's port to the agent's socket
            line += self._relay_mounts()
            argv = [sys.executable, "-I", "/run/agent", "relay", *argv]
        # the box's root is a tmpfs without a limit: it must not take files
        return [*line, "--remount-ro", "/", "--", *argv]

    def directory(self, cwd: str) -> str:
        return self.root

    def inside(self, name: str) -> str:
        return {"work": "/work", "home": "/home/box", "base": "/"}[name]

    def _relay_mounts(self) -> list[str]:
        mounts = ["--ro-bind", PROGRAM, "/run/agent"]
        mounts += ["--ro-bind", os.path.join(self.run, "proxy"), "/run/proxy"]
        # the relay needs the agent's Python inside the box, wherever it is installed
        if not sys.base_prefix.startswith("/usr"):
            mounts += ["--ro-bind", sys.base_prefix, sys.base_prefix]
        return mounts

    def _system_folders(self) -> list[str]:
        mounts = ["--ro-bind", "/usr", "/usr"]
        for name in _SYSTEM_LINKS:
            place = f"/{name}"
            # with a merged /usr these are links into it
            if os.path.islink(place):
                mounts += ["--symlink", os.readlink(place), place]
            elif os.path.isdir(place):
                mounts += ["--ro-bind", place, place]
        for name in (*_ETC, *(name for name in sorted(os.listdir("/etc")) if name.startswith("java-"))):
            if os.path.exists(f"/etc/{name}"):
                mounts += ["--ro-bind", os.path.realpath(f"/etc/{name}"), f"/etc/{name}"]
        for name in _MADE_UP:
            mounts += ["--ro-bind", os.path.join(self.run, name), f"/etc/{name}"]
        for folder in self.config.get("folders") or ():
            mounts += ["--ro-bind", folder, folder]
        return mounts


def open_filter(boxes: Boxes) -> int | None:
    return os.open(boxes.filter, os.O_RDONLY) if boxes.filter else None
