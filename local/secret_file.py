"""Secrets of the local system in DATA/secrets.toml, written by `make secret NAME=...`."""

import argparse
import contextlib
import fcntl
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

from local.data import DEFAULT, MEMORY, SECRETS_LOCK, DataRefused, check_owner, data_path, write_atomically

NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""Names allowed by Secrets Manager."""

PREFIX = "groundwork/"
"""The deployed functions may read secrets below it only."""

_ALLOWED = "use 1 to 512 letters, digits and /_+=.@-"


class SecretsRefused(Exception):
    """The secrets file is unusable; the message never shows a value."""


def read_secrets(file: Path) -> dict[str, str]:
    """Return secrets by name.

    Raises SecretsRefused if others can read the file, or a line is wrong.
    """
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        content = file.read_bytes()
    except FileNotFoundError:
        return {}
    if mode & 0o077:
        raise SecretsRefused(f"Other users can read {file}. Run: chmod 600 {file}")
    found = _parse(file, content)
    for name, value in found.items():
        if not NAME.fullmatch(name):
            raise SecretsRefused(f"{file}: the name {name!r} is invalid: {_ALLOWED}")
        if not isinstance(value, str):
            raise SecretsRefused(f"{file}: the value of {name} must be a quoted string")
        if not value:
            raise SecretsRefused(f"{file}: the value of {name} is empty")
    return found


def _parse(file: Path, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as exc:
        line = content.count(b"\n", 0, exc.start) + 1
        raise SecretsRefused(f"{file}, line {line}: not UTF-8. Save the file as UTF-8.") from None
    except tomllib.TOMLDecodeError as exc:
        # The decoder's own message may quote a secret.
        line_of = re.search(r"at line (\d+)", str(exc))
        where = f", line {line_of[1]}" if line_of else ""
        raise SecretsRefused(
            f'{file}{where}: not valid TOML. Write one line for each secret: "NAME" = "value"'
        ) from None


def check_name(name: str) -> None:
    """Raise SecretsRefused for a name outside `groundwork/`: no function may read its secret."""
    if not NAME.fullmatch(name):
        raise SecretsRefused(f"NAME={name} is invalid: {_ALLOWED}")
    if not name.startswith(PREFIX) or name == PREFIX:
        raise SecretsRefused(f"NAME={name} is invalid: it must begin with {PREFIX}, such as {PREFIX}github")


def write_secret(file: Path, name: str, value: str) -> None:
    """Add or replace one secret. Raises SecretsRefused."""
    check_name(name)
    if not value:
        raise SecretsRefused("The secret is empty.")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (file.parent / SECRETS_LOCK).open("a") as lock:
        # Two writers at once would each keep the other's old content.
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = {**read_secrets(file), name: value}
        # A JSON string is a valid TOML basic string.
        lines = [f"{_quoted(key)} = {_quoted(text)}" for key, text in sorted(kept.items())]
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
            _delete(manager, name)
        # After the writes: the next poll repeats a failed one.
        self._known, self._changed = found, changed


def _put(manager: Any, name: str, value: str) -> None:
    try:
        manager.create_secret(Name=name, SecretString=value)
    except manager.exceptions.ResourceExistsException:
        manager.put_secret_value(SecretId=name, SecretString=value)


def _delete(manager: Any, name: str) -> None:
    # With a recovery window the name would stay taken for a week or more.
    with contextlib.suppress(manager.exceptions.ResourceNotFoundException):
        manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def main() -> int:
    """Read a secret from the terminal or a pipe and store it."""
    parser = argparse.ArgumentParser(prog="python -m local.secret_file", description=main.__doc__)
    parser.add_argument("name", help="the secret's name, as in a repository's credentialsSecret")
    name = parser.parse_args().name
    try:
        path = data_path(os.environ)
        if path is None:
            raise SecretsRefused(
                f"DATA={MEMORY} stores no secrets. Set DATA to a folder, or leave it unset for {DEFAULT}."
            )
        file = path / "secrets.toml"
        # Before the question: nobody should type a token for a refusal.
        check_name(name)
        check_owner(path)
        read_secrets(file)
        value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
        write_secret(file, name, value)
    except (SecretsRefused, DataRefused, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    except UnicodeDecodeError:
        print("The secret is not UTF-8.", file=sys.stderr)
        return 1
    print(f"Stored in {file}. A running local system reads it within seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
