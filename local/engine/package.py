"""DynamoDB Local's program: inside an npm package, fetched once into build/, pinned by version and content."""

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
    """DynamoDB Local, or the Java that it needs, could not be fetched."""


def emulator(cache: Path = CACHE) -> Path:
    """The directory with DynamoDBLocal.jar, downloaded unless it is there. Raises FetchFailed."""
    found = cache / VERSION / "emulator"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.is_dir():
            _fetch(found, cache)
    return found


def _fetch(emulator: Path, cache: Path) -> None:
    if shutil.which("npm") is None:
        raise FetchFailed("npm is not on the PATH")
    print("Fetching DynamoDB Local, which keeps the data (once, 57 MB) …", file=sys.stderr, flush=True)
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
        raise FetchFailed(f"{archive.name} is not the pinned one: sha512 {digest}")
    unpacked = cache / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked, filter="data")
    emulator.parent.mkdir(exist_ok=True)
    (unpacked / "package" / "emulator").rename(emulator)
    shutil.rmtree(unpacked)
    archive.unlink()
