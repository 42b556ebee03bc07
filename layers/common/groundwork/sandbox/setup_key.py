"""Keys of kept set-ups."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

LOCK_FILES = frozenset(
    {
        "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock",
        "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pyproject.toml", "setup.py", "setup.cfg", "tox.ini",
        "go.sum", "go.mod", "Cargo.lock", "Cargo.toml", "Gemfile.lock", "composer.lock", "mix.lock", "package.json",
    }
)  # fmt: skip
"""Names of files that affect set-up, in any folder."""


def is_lock_file(path: str) -> bool:
    name = PurePosixPath(path).name
    return name in LOCK_FILES or (name.startswith("requirements") and name.endswith((".txt", ".in")))


def setup_key(repository: str, commands: Sequence[str], machine: str, lock_files: Mapping[str, bytes]) -> str:
    """Derive the key from repository, set-up commands, machine image and lock files."""
    files = {path: hashlib.sha256(content).hexdigest() for path, content in lock_files.items() if is_lock_file(path)}
    # as JSON the parts cannot run into one another
    text = json.dumps([repository, list(commands), machine, files], sort_keys=True)
    return f"setups/{repository}/{hashlib.sha256(text.encode()).hexdigest()}.tar"
