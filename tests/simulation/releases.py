"""Two releases on the same tables during a replacement: the code under test and a neighbour.

A newer neighbour is the code under test too, but it adds a field unknown to this release to every document and row it
writes. The values of these fields must stay until the newer release reads them again. An older neighbour is 29c4d3d:
it refuses a document with an unknown field, so this release must not write any.
"""

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

from tests.records.kinds import JSON_OF, kind_of, unknown_fields
from tests.records.recorded import known_names
from tests.simulation.cloud import Cloud
from tests.simulation.dynamodb import Changed, Key
from tests.simulation.expressions import Item
from tests.simulation.known import Violation, demand

NEW = "ofANewerRelease"
VALUE = {"since": 2}
WHOLE = {"session", "patch", "part", "lock", "link", "version", "retried", "list line"}
"""Derived rows, and rows with references to others: a rewrite replaces all their attributes."""


class Neighbour(StrEnum):
    NEWER = "newer"
    OLDER = "older"


def drawn(seed: int) -> Neighbour | None:
    """Draw apart from the seed's other draws: the neighbour changes no course of events."""
    return Random(f"{seed} releases").choice([Neighbour.NEWER, Neighbour.OLDER, None, None])


@dataclass(slots=True)
class Releases:
    """Neighbour release in a simulation, with its invariants.

    `broken` receives violations. A newer neighbour owns half of the sandboxes.
    """

    cloud: Cloud
    neighbour: Neighbour | None
    random: Random
    broken: Callable[[Violation], None]
    foreign: int = 0
    """Number of rows written by the newer neighbour."""

    def connect(self) -> "Releases":
        database = self.cloud.database
        if self.neighbour is Neighbour.NEWER:
            self.cloud.newer = lambda: self.random.random() < 0.5
            database.written = self.written
        judge, examined = database.watch, self.examine

        def watch(changed: Changed) -> None:
            judge(changed)
            examined(changed)

        if self.neighbour is not None:
            database.watch = watch
        return self

    def written(self, key: Key, after: Item) -> Item:
        """Add a newer release's fields to rows written by its sandboxes."""
        if not (self.cloud.acting and self.cloud.acting.newer):
            return after
        self.foreign += 1
        kind = kind_of(key[0], dict(after))
        grown: dict[str, Any] = dict(after) if kind == "part" else {**after, NEW: {"S": "kept"}}
        if kind == "part":
            return grown | _packed(kind, after, enriched(_document(kind, after), known_names()["documents"]["session"]))
        if JSON_OF.get(kind) in grown:
            document = enriched(_document(kind, after), known_names()["documents"][kind])
            grown |= _packed(kind, after, document)
        return grown

    def examine(self, changed: Changed) -> None:
        try:
            for key, before, after in changed:
                if after is not None and self.neighbour is Neighbour.OLDER:
                    the_older_release_can_read_it(key, after)
                elif after is not None:
                    self._stays(key, before, after)
        except Violation as violation:
            self.broken(violation)

    def _stays(self, key: Key, before: Item | None, after: Item) -> None:
        kind = kind_of(key[0], dict(after))
        if kind == "version":
            self._stays_in_version(key, after)
        if before is None or before.get("round") != after.get("round"):
            return  # a new round keeps nothing of the last one
        if kind == "session" and before["attempt"] == after["attempt"]:
            old, new = self._session(key, before), self._session(key, after)
            unknown_fields_stay(old, new, known_names()["documents"]["session"], f"{key}")
        if kind in WHOLE:
            return
        demand(NEW not in before or NEW in after, "unknown_fields_stay", f"attribute of {key}")
        attribute = JSON_OF.get(kind)
        if attribute in before and attribute in after and kind not in ("card", "event"):
            documents = _document(kind, before), _document(kind, after)
            unknown_fields_stay(*documents, known_names()["documents"][kind], f"{key}")

    def _session(self, key: Key, pointer: Item) -> Any:
        part = self.cloud.database.row((key[0], key[1], f"{key[2]}#{pointer['revision']['S']}#000"))
        return _document("part", part) if part and pointer["parts"]["N"] == "1" else {}

    def _stays_in_version(self, key: Key, after: Item) -> None:
        """A new version keeps the unknown fields of its remaining tasks."""
        earlier = self.cloud.database.row((*key[:2], f"V#{int(key[2][2:]) - 1:06d}"))
        old, new = (self._tasks(key, item) for item in (earlier, after))
        for task, document in old.items():
            if task in new:
                unknown_fields_stay(document, new[task], known_names()["documents"]["task"], f"{key} {task}")

    def _tasks(self, key: Key, version: Item | None) -> dict[str, Any]:
        index: list[Any] = json.loads(version["i"]["S"]) if version else ["", []]
        names = {task: f"E#{task}#{revision}" for _, _, tasks in index[1] for task, revision in tasks}
        rows = {task: self.cloud.database.row((*key[:2], sk)) for task, sk in names.items()}
        demand(all(rows.values()), "a_version_has_its_content", f"{key}: {[t for t, row in rows.items() if not row]}")
        return {task: _document("task", row) for task, row in rows.items() if row}


def enriched(document: Any, known: Any) -> Any:
    """Return the document with a new field in each object described by a schema."""
    if isinstance(document, list):
        return [enriched(one, known) for one in document]
    if known is None or not isinstance(document, dict):
        return document
    return {name: enriched(value, known.get(name)) for name, value in document.items()} | {NEW: VALUE}


def the_older_release_can_read_it(key: Key, after: Item) -> None:
    kind = kind_of(key[0], dict(after))
    if kind == "part":
        # part of a session or a patch; its first part is checked here, a longer one after it is put together
        if not key[2].endswith("#000") or not _is_whole(after):
            return
        document, kind = _document(kind, after), "session" if key[2].startswith("K#") else "patch"
    elif JSON_OF.get(kind) in after:
        document = _document(kind, after)
    else:
        return
    unknown = list(unknown_fields(document, known_names()["documents"][kind]))
    demand(not unknown, "the_older_release_can_read_it", f"{key}: {unknown}")


def unknown_fields_stay(before: Any, after: Any, known: Any, at: str) -> None:
    lost = list(_lost(before, after, known))
    demand(not lost, "unknown_fields_stay", f"{lost} of {at}")


def _lost(before: Any, after: Any, known: Any, at: str = "") -> Iterator[str]:
    """Yield lost unknown fields of objects present before and after, if they are the same thing."""
    if isinstance(before, list) and isinstance(after, list):
        for one, other in zip(before, after, strict=False):
            yield from _lost(one, other, known, at)
    if known is None or not isinstance(before, dict) or not isinstance(after, dict) or not _same(before, after, at):
        return
    yield from (f"{at}.{name}" for name in before if name not in known and before[name] != after.get(name))
    for name in before.keys() & after.keys() & known.keys():
        yield from _lost(before[name], after[name], known[name], f"{at}.{name}")


def _same(before: dict[str, Any], after: dict[str, Any], at: str) -> bool:
    """Return True for the same object inside a document.

    A rollback keeps its number; any other object is a new one once it differs.
    """
    if not at or at in (".brief", ".spent", ".limits"):
        return True
    if at == ".rollback":
        return bool(before["number"] == after["number"])
    return {**before, NEW: None} == {**after, NEW: None}


def _is_whole(part: Item) -> bool:
    return zlib.decompressobj().decompress(part["content"]["B"])[-1:] == b"}"


def _document(kind: str, item: Item) -> Any:
    return json.loads(zlib.decompress(item["content"]["B"]) if kind == "part" else item[JSON_OF[kind]]["S"])


def _packed(kind: str, item: Item, document: Any) -> dict[str, Any]:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return {"content": {"B": zlib.compress(text.encode())}} if kind == "part" else {JSON_OF[kind]: {"S": text}}
