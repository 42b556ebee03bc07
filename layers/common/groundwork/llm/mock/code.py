"""Mock file contents: an outline in the file's language, from the task's words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from pathlib import PurePosixPath
from textwrap import wrap
from typing import Any

type Json = Mapping[str, Any]

_TEST = re.compile(r"(^|/)tests?/|(^|/)test_|[._]test\.")
_CHANGELOG = re.compile(r"changelog|history|news", re.IGNORECASE)
_COMMENTS = {
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
"""Formats that an outline would break: the mock writes a note instead."""


@dataclass(frozen=True, slots=True)
class MockFile:
    """A file to change or create."""

    path: str

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.path).suffix.lower()


def note(key: str, layout: Sequence[str]) -> MockFile:
    """Return the path of the note for content with no place in the files themselves."""
    has_docs = any(line.startswith("docs/") for line in layout)
    return MockFile(f"{'docs' if has_docs else 'notes'}/{key}.md")


def target_for(key: str, named: Sequence[str], layout: Sequence[str]) -> list[MockFile]:
    """Return the named files that take an outline; a note for the rest, or if none is named."""
    usable = [path for path in named if not path.endswith(_UNTOUCHED) and PurePosixPath(path).suffix]
    return [MockFile(path) for path in usable] or [note(key, layout)]


def addition(task: Json, target: MockFile, lines: Sequence[str]) -> str:
    """Return the content: of a new or empty file all of it, else the text to append."""
    if _CHANGELOG.search(PurePosixPath(target.path).stem):
        return f"- {_title(task)}\n" if lines else f"# Changelog\n\n- {_title(task)}\n"
    if target.suffix == ".py":
        body = _tests(task, target) if _TEST.search(target.path) else _switch(task, lines)
        return f"\n{body}" if lines else f'"""{_title(task)}."""\n\n\n{body}'
    if target.suffix in (".md", ".rst", ".txt"):
        return _document(task, bool(lines))
    if target.suffix in (".js", ".ts", ".tsx"):
        return _exported(task)
    return _commented(task, _COMMENTS.get(target.suffix, "#"))


def place_for(target: MockFile, lines: Sequence[str]) -> tuple[str, bool]:
    """Return a unique line to insert at, and True to insert before it; empty if none exists."""
    once = [line for line, count in Counter(lines).items() if count == 1 and line.strip()]
    bullet = next((line for line in lines if line.startswith("- ") and line in once), "")
    if _CHANGELOG.search(PurePosixPath(target.path).stem) and bullet:
        # the newest comes first
        return bullet, True
    last = next((line for line in reversed(lines) if line.strip()), "")
    # an edit finds text, not lines: it must not be part of another line either
    return (last, False) if last in once and "\n".join(lines).count(last) == 1 else ("", False)


def _switch(task: Json, lines: Sequence[str]) -> str:
    """Return a function for a switch of the task's feature: little, but executable."""
    name = _free_name(task, lines)
    about = "".join(f"    {line}\n" for line in wrap(_plain(task["description"]), 96))
    doc = f'    """{_title(task)}.\n\n{about}    """\n' if about else f'    """{_title(task)}."""\n'
    return f'def {name}(settings: dict[str, str]) -> bool:\n{doc}    return settings.get("{task["key"]}") == "on"\n'


def _tests(task: Json, target: MockFile) -> str:
    """Return a test of the switch if the task names its file too, else one test per criterion."""
    source = next((path for path in task.get("files_named", ()) if path.endswith(".py") and path != target.path), "")
    if not source or _TEST.search(source):
        return "\n\n".join(
            f'def test_{_name(task)}_{number}() -> None:\n    """{point}"""\n'
            for number, point in enumerate(_points(task) or [_title(task)], 1)
        )
    name, up = _name(task), target.path.count("/")
    return (
        f"def test_{name}_is_off_until_it_is_switched_on() -> None:\n"
        # runpy needs neither a package nor a path entry for the file
        "    import runpy\n    from pathlib import Path\n\n"
        f'    module = runpy.run_path(str(Path(__file__).parents[{up}] / "{source}"))\n'
        f'    assert not module["{name}"]({{}})\n'
        f'    assert module["{name}"]({{"{task["key"]}": "on"}})\n'
    )


def _exported(task: Json) -> str:
    first, *rest = _name(task).split("_")
    name = first + "".join(word.capitalize() for word in rest)
    return f'/** {_title(task)}. */\nexport const {name} = (settings) => settings["{task["key"]}"] === "on";\n'


def _document(task: Json, there: bool) -> str:
    about = _plain(task["description"])
    points = "\n".join(f"- {point}" for point in _points(task))
    parts = [f"{'##' if there else '#'} {_title(task)}", "\n".join(wrap(about, 100)), points]
    return "\n\n".join(part for part in parts if part) + "\n"


def _commented(task: Json, mark: str) -> str:
    end = " */" if mark == "/*" else ""
    return "".join(f"{mark} {line}{end}\n" for line in [_title(task), *(f"- {point}" for point in _points(task))])


def _title(task: Json) -> str:
    return _plain(task["title"]).rstrip(".")


def _points(task: Json) -> list[str]:
    return [_plain(criterion["text"]) for criterion in task["acceptance_criteria"]]


def _plain(text: Any) -> str:
    """Return the text as one line, safe inside a string or comment."""
    return " ".join(str(text).split()).replace('"', "'").replace("\\", "/").replace("*/", "* /")


def _free_name(task: Json, lines: Sequence[str]) -> str:
    stem = _name(task)
    taken = {line for line in lines if line.startswith("def ")}
    names = (stem, *(f"{stem}_{number}" for number in range(2, 1_000)))
    return next((name for name in names if not any(line.startswith(f"def {name}(") for line in taken)), stem)


def _name(task: Json) -> str:
    words = re.findall(r"[a-z0-9]+", str(task["key"]).casefold())
    name = "_".join(words) or "task"
    return name if name[0].isalpha() and not iskeyword(name) else f"task_{name}"
