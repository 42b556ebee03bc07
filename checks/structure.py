"""Measure the structure of the code: files, functions, names, tests and three journeys.

python -m checks.structure    prints the figures, then files and functions above the limits

The exit status is 1 only for a journey through a missing file: figures are to be judged.
"""

import ast
import io
import re
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from checks.sam import ROOT

LAYER = ROOT / "layers" / "common"
SOURCES = ("layers/common/groundwork", "functions", "local", "checks", "deploy")
TESTS = ("tests",)
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 25
JOURNEYS = {
    "start a run": (
        "functions/start_run/app.py",
        "groundwork/api/runs/control.py",
        "groundwork/runs/start.py",
        "groundwork/adapters/dynamodb/runs.py",
    ),
    "commit an item": (
        "functions/process_next/app.py",
        "groundwork/api/hop_events.py",
        "groundwork/runs/hop.py",
        "groundwork/runs/work_loop.py",
        "groundwork/runs/writer.py",
        "groundwork/adapters/dynamodb/runs.py",
    ),
    "land a task": (
        "functions/plan_executor/app.py",
        "groundwork/api/plan_events.py",
        "groundwork/execution/step_handler.py",
        "groundwork/execution/agent_worker.py",
        "groundwork/adapters/git/repository.py",
        "groundwork/adapters/git/land.py",
    ),
}
"""Files from the entry point to the last effect, in the order of the calls.

A chain of imports skips the ports.
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file with its syntax tree."""

    path: Path
    text: str

    @property
    def tree(self) -> ast.Module:
        return _parse(self.text)

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    def functions(self) -> Iterator[tuple[str, int]]:
        """Name and lines of each function, its docstring excluded."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                # an explanation must not make a function too long
                yield node.name, _span(node) - sum(map(_span, _docstrings([node])))

    def classes(self) -> Iterator[str]:
        return (node.name for node in self.tree.body if isinstance(node, ast.ClassDef))

    def comments(self) -> int:
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return sum(token.type == tokenize.COMMENT for token in tokens)

    def docstring_lines(self) -> int:
        return sum(map(_span, _docstrings(ast.walk(self.tree))))


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


def _span(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstrings(nodes: Iterator[ast.AST] | Sequence[ast.AST]) -> Iterator[ast.stmt]:
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node, clean=False):
            yield node.body[0]


def modules(places: Sequence[str]) -> list[Module]:
    paths = sorted(path for place in places for path in (ROOT / place).rglob("*.py"))
    return [Module(path, path.read_text()) for path in paths]


def percentile(values: Sequence[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def size_figures(sources: Sequence[Module]) -> Iterator[str]:
    files = [module.lines for module in sources]
    sizes = [size for module in sources for _, size in module.functions()]
    total = sum(files)
    yield f"files                  {len(files)}, median {statistics.median(files):.0f}, p90 {percentile(files, 0.9)}"
    median, p90 = statistics.median(sizes), percentile(sizes, 0.9)
    yield f"functions              {len(sizes)}, median {median:.0f}, p90 {p90}, max {max(sizes)}"
    yield f"comments               {100 * sum(module.comments() for module in sources) / total:.1f} in 100 lines"
    yield f"docstring lines        {100 * sum(module.docstring_lines() for module in sources) / total:.1f} in 100 lines"


def name_figures(sources: Sequence[Module]) -> Iterator[str]:
    gerunds = [module.name for module in sources if module.path.stem.endswith("ing")]
    twice = repeated_classes(sources)
    yield _with_names(f"modules named ...ing   {len(gerunds)} of {len(sources)}", gerunds)
    yield _with_names(f"class names used twice {len(twice)}", twice)


def repeated_classes(sources: Sequence[Module]) -> list[str]:
    """Return the names of classes defined twice; only their own module reads private ones."""
    found = Counter(name for module in sources for name in module.classes() if not name.startswith("_"))
    return sorted(name for name, count in found.items() if count > 1)


def _with_names(figure: str, names: Sequence[str]) -> str:
    return f"{figure}: {', '.join(names)}" if names else figure


def test_figures(sources: Sequence[Module], tests: Sequence[Module]) -> Iterator[str]:
    names = [name for module in tests for name, _ in module.functions() if name.startswith("test_")]
    words = [len(name.removeprefix("test_").split("_")) for name in names]
    mentions = sum(len(re.findall(r"\bmock\b|monkeypatch|\bpatch\(", module.text)) for module in tests)
    ratio = sum(module.lines for module in tests) / sum(module.lines for module in sources)
    yield f"tests : source         {ratio:.2f} lines, {len(names)} tests"
    yield f"mock mentions          {mentions / len(names):.2f} a test"
    yield f"words in a test name   median {statistics.median(words):.0f}, max {max(words)}"


def journey_figures() -> Iterator[str]:
    for name, files in JOURNEYS.items():
        hops = " > ".join(file.removeprefix("groundwork/") for file in files)
        yield f"{name:22} {len(files)} files: {hops}"


def missing_files() -> Iterator[str]:
    """Yield the missing files of journeys, a line each."""
    for name, files in JOURNEYS.items():
        for file in files:
            if not _path(file).is_file():
                yield f"{name}: {file} does not exist"


def _path(file: str) -> Path:
    return (LAYER if file.startswith("groundwork/") else ROOT) / file


def excesses(sources: Sequence[Module]) -> Iterator[str]:
    for module in sources:
        if module.lines > MAX_FILE_LINES:
            yield f"long file      {module.name}: {module.lines}"
    long = [(size, module.name, name) for module in sources for name, size in module.functions()]
    for size, place, name in sorted(long, reverse=True):
        if size > MAX_FUNCTION_LINES:
            yield f"long function  {place}: {name}, {size}"


def main() -> int:
    sources, tests = modules(SOURCES), modules(TESTS)
    for figures in (size_figures(sources), name_figures(sources), test_figures(sources, tests), journey_figures()):
        print("\n".join(figures))
    print("\n".join(excesses(sources)))
    missing = list(missing_files())
    print("\n".join(missing), file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
