"""Secrets of the local system: DATA/secrets.toml, readable by its owner alone. `make secret NAME=...` writes it."""

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

from local.data import DEFAULT, MEMORY, data_of, write_whole

NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""As Secrets Manager has it."""


class SecretsRefused(Exception):
    """The file of secrets cannot be used; the message never shows a value."""


def read_secrets(file: Path) -> dict[str, str]:
    """Names and values. Raises SecretsRefused for a file that others may read, or one that is not of that form."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    if mode & 0o077:
        raise SecretsRefused(f"{file} can be read by others: chmod 600 {file}")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # the decoder's own message may quote the line
        raise SecretsRefused(f'{file} is not TOML: one line for each secret, "NAME" = "value"') from None
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong:
        raise SecretsRefused(f"{file}: {wrong[0]} must be a text in quotes")
    return found


def write_secret(file: Path, name: str, value: str) -> None:
    """Add or replace one secret. Raises SecretsRefused."""
    if not NAME.fullmatch(name):
        raise SecretsRefused(f"NAME={name}: 1 to 512 letters, digits and /_+=.@-")
    if not value:
        raise SecretsRefused("An empty secret is not kept.")
    kept = {**read_secrets(file), name: value}
    # a JSON text is a TOML basic string
    lines = [f"{_quoted(key)} = {_quoted(text)}" for key, text in sorted(kept.items())]
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, "\n".join(lines) + "\n")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


class SecretFile:
    """Puts what the file holds into the local Secrets Manager, and again when the file has changed."""

    def __init__(self, file: Path, client: Callable[[str], Any]) -> None:
        self._file, self._client = file, client
        self._known: dict[str, str] = {}
        self._changed = -1.0

    def load(self) -> None:
        """Raises SecretsRefused."""
        changed = self._file.stat().st_mtime if self._file.exists() else 0.0
        if changed == self._changed:
            return
        found = read_secrets(self._file)
        manager = self._client("secretsmanager")
        for name, value in found.items():
            if self._known.get(name) != value:
                _put(manager, name, value)
        for name in self._known.keys() - found.keys():
            manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        self._known, self._changed = found, changed


def _put(manager: Any, name: str, value: str) -> None:
    try:
        manager.create_secret(Name=name, SecretString=value)
    except manager.exceptions.ResourceExistsException:
        manager.put_secret_value(SecretId=name, SecretString=value)


def main() -> int:
    """Read a secret from the terminal, or from a pipe, and keep it."""
    parser = argparse.ArgumentParser(prog="python -m local.secret_file", description=main.__doc__)
    parser.add_argument("name", help="how a repository's credentialsSecret names it")
    name = parser.parse_args().name
    path = data_of(os.environ)
    if path is None:
        print(f"DATA={MEMORY} keeps no secrets; name a folder, or leave DATA out for {DEFAULT}.", file=sys.stderr)
        return 1
    file = path / "secrets.toml"
    try:
        value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
        write_secret(file, name, value)
    except (SecretsRefused, OSError) as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"Kept in {file}. A running local system reads it within seconds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
