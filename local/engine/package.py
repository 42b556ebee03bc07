"""The program of DynamoDB Local: a pinned and hashed npm package, downloaded once."""

import base64
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

PACKAGE = "amplify-dynamodb-simulator"
VERSION = "2.9.30"
SHA512 = "xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=="
CACHE = Path(__file__).resolve().parents[2] / "build" / "dynamodb-local"


class FetchFailed(Exception):
    """The download of DynamoDB Local or of its Java failed."""


def find_emulator(cache: Path = CACHE) -> Path:
    """Return the directory with DynamoDBLocal.jar, downloaded if missing. Raises FetchFailed."""
    found = cache / VERSION / "emulator"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # Systems with other data folders may start at the same time: one downloads, the others wait.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.is_dir():
            _fetch(found, cache)
    return found


def _fetch(target: Path, cache: Path) -> None:
    if shutil.which("npm") is None:
        raise FetchFailed("npm is not on the PATH")
    print("Downloading DynamoDB Local, the database of the local system (once, 57 MB) …", file=sys.stderr, flush=True)
    command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(cache), "--silent"]
    try:
        packed = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        raise FetchFailed(f"npm pack {PACKAGE}@{VERSION} took more than 300 s") from None
    if packed.returncode:
        raise FetchFailed(f"npm pack {PACKAGE}@{VERSION} failed: {packed.stderr.strip()[-300:]}")
    archive = cache / f"{PACKAGE}-{VERSION}.tgz"
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != SHA512:
        raise FetchFailed(f"{archive.name} does not match the pinned hash: sha512 {digest}")
    unpacked = cache / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        target.parent.mkdir(exist_ok=True)
        # After everything else: a folder of this name is complete.
        (unpacked / "package" / "emulator").rename(target)
    except (OSError, tarfile.TarError) as exc:
        raise FetchFailed(f"{archive.name} cannot be unpacked: {exc}") from exc
    shutil.rmtree(unpacked)
    archive.unlink()
