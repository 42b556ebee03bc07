"""What the mock writes into files: an outline in the file's own language, made of the task's words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

type Json = Mapping[str, Any]

_TEST = re.compile(r"(^|/)tests?/|(^|/)test_|[._]test\.")
_CHANGELOG = re.compile(r"changelog|history|news", re.IGNORECASE)
_COMMENTS = {
    ".js": "//",
    ".ts": "//",
    ".tsx": "//",
    ".go": "//",
    ".rs": "//",
    ".java": "//",
    ".sql": "--",
    ".yaml": "#",
    ".yml": "#",
    ".toml": "#",
    ".sh": "#",
    ".rb": "#",
    ".css": "/*",
}
_UNTOUCHED = (".json", ".lock", ".csv", ".svg", ".html", ".xml", ".ndjson", ".ipynb")
"""Formats that an outline at the end would break: a note is written instead."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file that the mock will change or make."""

    path: str

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix.lower()


def target_for(key: str, named: Sequence[str], layout: Sequence[str]) -> list[Target]:
    """The named files that an outline can be put into; a note for the rest, or where none is named."""
    usable = [path for path in named if not path.endswith(_UNTOUCHED) and PurePosixPath(path).suffix]
    if usable:
        return [Target(path) for path in usable]
    has_docs = any(line.startswith("docs/") for line in layout)
    return [Target(f"{'docs' if has_docs else 'notes'}/{key}.md")]


def addition(task: Json, target: Target, lines: Sequence[str] | None) -> str:
    """What is written: the whole file where it is new or empty (`lines` empty or None), else what comes at its end."""
    if _CHANGELOG.search(PurePosixPath(target.path).stem):
        return f"- {_title(task)}\n"
    if target.suffix == ".py":
        return _python_test(task, bool(lines)) if _TEST.search(target.path) else _python(task, bool(lines))
    if target.suffix in (".md", ".rst", ".txt"):
        return _document(task, bool(lines))
    return _commented(task, _COMMENTS.get(target.suffix, "#"))


def _python(task: Json, there: bool) -> str:
    name, points = _name(task), _points(task)
    doc = "\n".join(["    What holds of it:", *(f"    - {point}" for point in points)]) if points else ""
    body = (
        f'\ndef {name}() -> tuple[str, ...]:\n    """{_title(task)}.\n\n{doc}\n    """\n'
        if doc
        else (f'\ndef {name}() -> tuple[str, ...]:\n    """{_title(task)}."""\n')
    )
    body += "    return (\n" + "".join(f"        {_quoted(point)},\n" for point in points or [_title(task)]) + "    )\n"
    return body if there else f'"""{_title(task)}."""\n\n{body}'


def _python_test(task: Json, there: bool) -> str:
    tests = [
        f"def test_{_name(task)}_{number}() -> None:\n    # {point}\n    assert {_quoted(point)}\n"
        for number, point in enumerate(_points(task) or [_title(task)], 1)
    ]
    text = "\n\n".join(tests)
    return f"\n{text}" if there else f'"""Tests: {_title(task)}."""\n\n\n{text}'


def _document(task: Json, there: bool) -> str:
    about = str(task["description"]).strip()
    parts = [f"{'##' if there else '#'} {_title(task)}", about, "\n".join(f"- {point}" for point in _points(task))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _commented(task: Json, mark: str) -> str:
    end = " */" if mark == "/*" else ""
    return "".join(f"{mark} {line}{end}\n" for line in [_title(task), *(f"- {point}" for point in _points(task))])


def _title(task: Json) -> str:
    return " ".join(str(task["title"]).split()).rstrip(".").replace('"""', "'''").replace("\\", "/")


def _points(task: Json) -> list[str]:
    texts = (" ".join(str(criterion["text"]).split()) for criterion in task["acceptance_criteria"])
    return [text.replace('"""', "'''").replace("\\", "/") for text in texts]


def _name(task: Json) -> str:
    words = re.findall(r"[a-z0-9]+", f"{task['key']}".casefold())
    name = "_".join(words) or "task"
    return name if name[0].isalpha() else f"task_{name}"


def _quoted(text: str) -> str:
    plain = text.replace('"', "'")
    return f'"{plain}"'
