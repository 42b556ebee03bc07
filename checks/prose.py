"""Measure the English of docstrings and comments.

python -m checks.prose                 fails above a limit, and names the worst files
python -m checks.prose --files         prints the figures of each file
python -m checks.prose --list PLACE    prints the texts of PLACE with a fault
"""

import argparse
import ast
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checks.sam import ROOT

PLACES = ("layers/common/groundwork", "functions", "local", "deploy", "checks", "benchmarks", "tests")
MAX_PRONOUNS = 12.0
"""Relative pronouns in 1,000 words.

Codebases we learn from have 4 to 10 (cosmicpython, procrastinate, DBOS, mini-swe-agent).
"""

MAX_OPENINGS = 0.01
"""Share of texts that begin with What, Who, Whether or That."""

MAX_FIRST_LINE = 90
"""Characters of a docstring's first line."""

_PRONOUN = re.compile(r"\b(?:who|what|whom|which|that)\b", re.IGNORECASE)
_OPENING = re.compile(r"(?:What|Who|Whom|Whether|That)\b")
_DIRECTIVE = re.compile(r"#\s*(?:noqa|type:|mypy:|ruff:|pragma|!)")
# records of an old release are data: their texts stay as they were
_OF_OLD_RELEASES = re.compile(r"tests/records/\w*29c4d3d\.py")


@dataclass(frozen=True, slots=True)
class Text:
    """One docstring, or the comment lines of one block."""

    line: int
    words: str
    is_docstring: bool

    @property
    def pronouns(self) -> int:
        return len(_PRONOUN.findall(self.words))

    @property
    def opens_badly(self) -> bool:
        return bool(_OPENING.match(self.words))

    @property
    def is_too_long(self) -> bool:
        return self.is_docstring and len(self.words.splitlines()[0]) > MAX_FIRST_LINE


@dataclass(slots=True)
class Figures:
    """Sums over the texts of a file or a place."""

    texts: int = 0
    words: int = 0
    pronouns: int = 0
    openings: int = 0
    too_long: int = 0
    files: list[tuple[str, "Figures"]] = field(default_factory=list)

    def add(self, text: Text) -> None:
        self.texts += 1
        self.words += len(text.words.split())
        self.pronouns += text.pronouns
        self.openings += text.opens_badly
        self.too_long += text.is_too_long

    def include(self, name: str, other: "Figures") -> None:
        self.texts += other.texts
        self.words += other.words
        self.pronouns += other.pronouns
        self.openings += other.openings
        self.too_long += other.too_long
        self.files.append((name, other))

    @property
    def rate(self) -> float:
        return 1000 * self.pronouns / self.words if self.words else 0.0

    @property
    def share(self) -> float:
        return self.openings / self.texts if self.texts else 0.0

    def __str__(self) -> str:
        return (
            f"{self.texts:5} texts {self.words:6} words {self.rate:5.1f} pronouns per 1,000 words "
            f"{100 * self.share:4.1f}% odd openings {self.too_long:4} long first lines"
        )


def texts_of(source: str) -> Iterator[Text]:
    yield from _docstrings(ast.parse(source))
    yield from _comments(source)


def _docstrings(tree: ast.Module) -> Iterator[Text]:
    """Docstrings of modules, classes and functions, and the strings below constants and fields."""
    for node in ast.walk(tree):
        # the body of a lambda or a conditional expression is not a list
        for child in getattr(node, "body", None) or () if not isinstance(node, ast.Lambda | ast.IfExp) else ():
            value = child.value if isinstance(child, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.strip():
                yield Text(child.lineno, value.value.strip(), True)


def _comments(source: str) -> Iterator[Text]:
    block: list[str] = []
    start = last = 0
    lines = iter(source.splitlines(keepends=True))
    for token in tokenize.generate_tokens(lambda: next(lines, "")):
        if token.type != tokenize.COMMENT or _DIRECTIVE.match(token.string):
            continue
        # lines below each other are one text: only its first word is an opening
        if block and token.start[0] != last + 1:
            yield Text(start, " ".join(block), False)
            block = []
        if not block:
            start = token.start[0]
        block.append(token.string.lstrip("# "))
        last = token.start[0]
    if block:
        yield Text(start, " ".join(block), False)


def files_below(place: str) -> list[Path]:
    top = ROOT / place
    found = [top] if top.is_file() else sorted(top.rglob("*.py"))
    return [path for path in found if not _OF_OLD_RELEASES.search(path.as_posix())]


def measured(place: str) -> Figures:
    figures = Figures()
    for path in files_below(place):
        own = Figures()
        for text in texts_of(path.read_text()):
            own.add(text)
        figures.include(path.relative_to(ROOT).as_posix(), own)
    return figures


def faults(place: str, figures: Figures) -> list[str]:
    found = []
    if figures.rate > MAX_PRONOUNS:
        found.append(f"{place}: {figures.rate:.1f} relative pronouns in 1,000 words, at most {MAX_PRONOUNS:.0f}")
    if figures.share > MAX_OPENINGS:
        found.append(f"{place}: {100 * figures.share:.1f}% of texts begin with What, Who, Whether or That, at most 1%")
    if figures.too_long:
        found.append(f"{place}: {figures.too_long} docstrings have a first line above {MAX_FIRST_LINE} characters")
    return found


def _list(place: str) -> None:
    for path in files_below(place):
        for text in texts_of(path.read_text()):
            if text.pronouns or text.opens_badly or text.is_too_long:
                print(f"{path.relative_to(ROOT)}:{text.line}: {' '.join(text.words.split())[:200]}")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--list", metavar="PLACE")
    asked = parser.parse_args(arguments)
    if asked.list:
        _list(asked.list)
        return 0
    found: list[str] = []
    for place in PLACES:
        figures = measured(place)
        print(f"{place:26} {figures}")
        worst = sorted(figures.files, key=lambda named: -named[1].pronouns)
        own_faults = faults(place, figures)
        for name, own in worst if asked.files else worst[:10] if own_faults else ():
            print(f"  {name:70} {own}")
        found += own_faults
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
