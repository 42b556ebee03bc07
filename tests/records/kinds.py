"""Row kinds by table and key, and the JSON documents inside a row.

Names only: no class of any release is used.
"""

import json
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

type Item = dict[str, Any]
"""Attributes of a row in DynamoDB's JSON."""

KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("project", "backlog", "", "P"),
    ("project line", "backlog", "PROJECTS", r"[0-9]{15}#.*"),
    ("external id", "backlog", "", "X#.*"),
    ("content hash", "backlog", "", "H#.*"),
    ("card", "backlog", "", "C#.*"),
    ("epic", "backlog", "", "E#.*"),
    ("story", "backlog", "", "S#.*"),
    ("subtask", "backlog", "", "T#.*"),
    ("run", "runs", "", "R#.*"),
    ("lock", "runs", "", "LOCK#.*"),
    ("idempotency key", "runs", "", "IDEM#.*"),
    ("import part", "runs", "", "IMPORT#.*"),
    ("import", "runs", "", "IMP#.*"),
    ("imported object", "runs", "", "OBJ#.*"),
    ("inspection", "runs", "", "INSPECTION"),
    ("rejected rows", "runs", "", "X#.*"),
    ("retry", "runs", "", "RETRY#.*"),
    ("retried", "runs", "", "RETRIED#.*"),
    ("manifest", "runs", "", "M#.*"),
    ("journal", "runs", "", "J#.*"),
    ("drafts", "runs", "", "D#.*"),
    ("selection", "runs", "", "SELECTION"),
    ("rest", "runs", "", "REST"),
    ("run log", "runs", "", "L#.*"),
    ("plan", "plans", "pl.*", "P"),
    ("repository", "plans", "re.*", "P"),
    ("template", "plans", "te.*", "P"),
    ("template piece", "plans", "te.*", "B#.*"),
    ("version", "plans", "pl.*", "V#.*"),
    ("plan fields", "plans", "pl.*", "E#D#.*"),
    ("phase", "plans", "pl.*", "E#H.*"),
    ("task", "plans", "pl.*", "E#T.*"),
    ("iteration", "plans", "pl.*", "I#.*"),
    ("suggestion", "plans", "pl.*", "S#.*"),
    ("dropped", "plans", "pl.*", "Q#.*"),
    ("task state", "plans", "pl.*", "X#.*"),
    ("event", "plans", "pl.*", "Y#.*"),
    ("session", "plans", "pl.*", "K#[^#]*"),
    ("patch", "plans", "pl.*", "D#[^#]*"),
    ("part", "plans", "pl.*", "[KD]#[^#]*#.*"),
    ("task log", "plans", "pl.*", "G#.*"),
    ("check", "plans", "", "C#[^#]*#[^#]*#[^#]*"),
    ("check result", "plans", "", "C#[^#]*#[^#]*#[^#]*#[0-9]{3}"),
    ("baseline", "plans", "re.*", "BASELINE"),
    ("rollback check", "plans", "pl.*", "ROLLBACK"),
    ("sandbox", "plans", "SANDBOXES", ".*"),
    ("slots", "plans", "ACCOUNT", "SLOTS|SANDBOXES"),
    ("measure", "plans", "re.*", "MEASURED#.*"),
    ("list line", "plans", "", r"[0-9]{15}#.*"),
    ("link", "plans", "", "pl[a-z0-9]{10}"),
)
"""Name, table, pattern of the partition key ("" for any), pattern of the sort key.

The first match counts.
"""

JSON_OF = {"run": "opt", "plan": "execution", "iteration": "body", "task state": "body", "card": "analysis"}
JSON_OF |= dict.fromkeys(("plan fields", "phase", "task", "suggestion"), "c") | {"template": "head"}
JSON_OF |= {"event": "events", "task log": "body"}
"""Name of the attribute with the JSON document, by kind."""


def kind_of(table: str, item: Item) -> str:
    """Return the kind of a row. Raises LookupError for an unknown one."""
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    for name, of_table, of_pk, of_sk in KINDS:
        if of_table == table and re.fullmatch(of_pk or ".*", pk) and re.fullmatch(of_sk, sk):
            return name
    raise LookupError(f"{table} {pk} {sk}")


def documents(rows: Iterable[tuple[str, Item]]) -> Iterator[tuple[str, Any]]:
    """Yield each JSON document with its kind.

    Sessions, patches and templates are put together from their parts.
    """
    whole: dict[tuple[str, str], bytes] = defaultdict(bytes)
    for table, item in sorted(rows, key=lambda row: (row[1]["pk"]["S"], row[1]["sk"]["S"])):
        kind = kind_of(table, item)
        attribute = JSON_OF.get(kind)
        if attribute in item:
            document = json.loads(item[attribute]["S"])
            yield from ((kind, one) for one in (document if kind == "event" else [document]))
        elif kind == "part":
            letter, task, revision, _ = item["sk"]["S"].split("#")
            name = "session" if letter == "K" else "patch"
            whole[name, f"{item['pk']['S']} {task} {revision}"] += item["content"]["B"]
        elif kind == "template piece":
            whole["template piece", item["pk"]["S"]] += item["text"]["S"].encode()
    for (kind, _), content in whole.items():
        yield kind, json.loads(content if kind == "template piece" else zlib.decompress(content))


def unknown_fields(document: Any, known: Any, at: str = "") -> Iterator[str]:
    """Yield the path of every field unknown to a schema. A schema of None takes anything."""
    if known is None:
        return
    if isinstance(document, list):
        for one in document:
            yield from unknown_fields(one, known, at)
    elif isinstance(document, dict):
        for name, value in document.items():
            if name not in known:
                yield f"{at}.{name}"
            else:
                yield from unknown_fields(value, known[name], f"{at}.{name}")
