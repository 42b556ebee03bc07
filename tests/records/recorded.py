"""Records of releases: their rows and their stored names."""

import base64
import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RELEASES = ("29c4d3d",)


def recorded(group: str) -> dict[str, Path]:
    """Return all records of a group (runs, executions, plans) by release and name."""
    found = {
        f"{release} {path.name.partition('.')[0]}": path for release in RELEASES for path in _files(release, group)
    }
    assert found, group
    return found


def _files(release: str, group: str) -> list[Path]:
    return sorted((FOLDER / release / group).glob("*.json.gz"))


def moment_of(path: Path) -> dict[str, Any]:
    """Return a record's `rows`, with its repositories' commits as `git` for an executed plan."""
    moment: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    for row in moment["rows"]:
        for value in row["item"].values():
            if "B" in value:
                value["B"] = base64.b64decode(value["B"])
    return moment


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = moment_of(path)["rows"]
    return rows


def every_row() -> list[tuple[str, dict[str, Any]]]:
    paths = [path for group in ("runs", "executions", "plans") for path in recorded(group).values()]
    return [(row["table"], row["item"]) for path in paths for row in rows_of(path)]


@cache
def known_names(release: str = RELEASES[0]) -> dict[str, Any]:
    """Return the stored names of a release.

    `attributes` and `documents` by kind of row, and the values of `enums`.
    """
    names: dict[str, Any] = json.loads((FOLDER / release / "names.json").read_text())
    return names
