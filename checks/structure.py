"""How long files and functions are, and how much is said of them, against the project's yardsticks."""

import ast
import io
import statistics
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from checks.sam import ROOT

SOURCES = ("layers/common/groundwork", "functions", "local", "checks")
LONG_FILE, LONG_FUNCTION = 300, 25

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every function's name and its lines, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1 - _docstring_lines(node)


def comments(text: str) -> int:
    """How many comments there are."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(token.type == tokenize.COMMENT for token in tokens)


def _docstring_lines(node: Function) -> int:
    first = node.body[0]
    said = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return (first.end_lineno or first.lineno) - first.lineno + 1 if said else 0


def _files() -> list[Path]:
    return sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))


def main() -> int:
    """Prints the figures, then what is longer than it should be. Always 0: the figures are to be judged, not obeyed."""
    texts = {path: path.read_text() for path in _files()}
    lines = {path: len(text.splitlines()) for path, text in texts.items()}
    lengths = [(length, path, name) for path, text in texts.items() for name, length in functions(ast.parse(text))]
    sizes = sorted(length for length, _, _ in lengths)
    said = sum(map(comments, texts.values()))
    print(f"files       {len(lines)}, median {statistics.median(lines.values()):.0f} lines")
    print(f"functions   {len(sizes)}, median {statistics.median(sizes):.0f}, p90 {sizes[len(sizes) * 9 // 10]} lines")
    print(f"comments    {100 * said / sum(lines.values()):.1f} per 100 lines")
    for path, count in lines.items():
        if count > LONG_FILE:
            print(f"long file      {path.relative_to(ROOT)}: {count}")
    for length, path, name in sorted(lengths, key=lambda entry: -entry[0]):
        if length > LONG_FUNCTION:
            print(f"long function  {path.relative_to(ROOT)}: {name}, {length}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
