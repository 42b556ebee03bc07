"""Secrets of the local system in DATA/secrets.toml, written by `make secret NAME=...`."""

import argparse
import getpass
import json
import os
import re
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.data import DEFAULT, MEMORY, data_path, write_atomically

NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""Names allowed by Secrets Manager."""


class SecretsRefused(Exception):
    """The secrets file is unusable; the message never shows a value."""


def read_secrets(file: Path) -> dict[str, str]:
    """Return secrets by name.

    Raises SecretsRefused if others can read the file, or its form is wrong.
    """
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    if mode & 0o077:
        raise SecretsRefused(f"Other users can read {file}. Run: chmod 600 {file}")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # The decoder's own message may quote a secret.
        raise SecretsRefused(f'{file} is not valid TOML. Write one line for each secret: "NAME" = "value"') from None
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong:
        raise SecretsRefused(f"{file}: the value of {wrong[0]} must be a quoted string")
    return found


def write_secret(file: Path, name: str, value: str) -> None:
    """Add or replace one secret. Raises SecretsRefused."""
    if not NAME.fullmatch(name):
        raise SecretsRefused(f"NAME={name} is invalid: use 1 to 512 letters, digits and /_+=.@-")
    if not value:
        raise SecretsRefused("The secret is empty.")
    kept = {**read_secrets(file), name: value}
    # A JSON string is a valid TOML basic string.
    lines = [f"{_quoted(key)} = {_quoted(text)}" for key, text in sorted(kept.items())]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, "\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    # TOML forbids DEL inside a string, JSON does not.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


class SecretFile:
    """Loads the file into the local Secrets Manager, and reloads it after a change."""

    def __init__(self, file: Path, client: Callable[[str], Any]) -> None:
        self._file, self._client = file, client
        self._known: dict[str, str] = {}
        self._changed = -1.0

    def load(self) -> None:
        """Load the file if it has changed. Raises SecretsRefused."""
        changed = self._file.stat().st_mtime if self._file.exists() else 0.0
        if changed == self._changed:
            return
        found = read_secrets(self._file)
        manager = self._client("secretsmanager")
        for name, value in found.items():
            if self._known.get(name) != value:
                _put(manager, name, value)
        for name in self._known.keys() - found.keys():
            # With a recovery window the name would stay taken for a week or more.
            manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        # After the writes: the next poll repeats a failed one.
        self._known, self._changed = found, changed


def _put(manager: Any, name: str, value: str) -> None:
    try:
        manager.create_secret(Name=name, SecretString=value)
    except manager.exceptions.ResourceExistsException:
        manager.put_secret_value(SecretId=name, SecretString=value)


def main() -> int:
    """Read a secret from the terminal or a pipe and store it."""
    parser = argparse.ArgumentParser(prog="python -m local.secret_file", description=main.__doc__)
    parser.add_argument("name", help="the secret's name, as in a repository's credentialsSecret")
    name = parser.parse_args().name
    path = data_path(os.environ)
    if path is None:
        print(
            f"DATA={MEMORY} stores no secrets. Set DATA to a folder, or leave it unset for {DEFAULT}.", file=sys.stderr
        )
        return 1
    file = path / "secrets.toml"
    try:
        value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
        write_secret(file, name, value)
    except (SecretsRefused, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"Stored in {file}. A running local system reads it within seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
