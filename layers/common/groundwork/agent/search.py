"""Search for files by name and content, bounded in results, length and time."""

import os
import time
from collections.abc import Iterator
from glob import translate
from pathlib import Path

import regex

from groundwork.agent.rendering import render_line, split_lines
from groundwork.agent.workspace import ToolFailed, Workspace

MAX_PATHS = 200
MAX_MATCHES = 100
# the package `regex` keeps this limit in any thread; `re` has none
MAX_SECONDS = 3.0
MAX_PATTERN = 500
# minified files have lines of megabytes
MAX_LINE = 20_000
MAX_SEARCHED_BYTES = 2_000_000
_RECURSIVE = regex.compile(r"(?<!\\)(?:\\\\)*\(\?(?:R|[+-]?\d|&|P>)")
# matches in third-party code would bury those in the project's own
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", ".venv", "vendor"})


def glob(workspace: Workspace, pattern: str, folder: str = "", seconds: float = MAX_SECONDS) -> str:
    """List matching paths, sorted. `**` crosses folders, `*` does not. Raises ToolFailed."""
    if len(pattern) > MAX_PATTERN:
        raise ToolFailed("the pattern is too long")
    top = workspace.resolve(folder) if folder not in ("", ".", "./") else ""
    start = f"{top}/" if top else ""
    found = list(
        _matching_paths(pattern.removeprefix("./"), iter_files(workspace, top, everything=True), start, seconds)
    )
    if not found:
        return "no file matches"
    lines = [render_line(path) for path in found[:MAX_PATHS]]
    more = len(found) - len(lines)
    return "\n".join(lines + ([f"… and {more} more; use a narrower pattern"] if more else []))


def list_folder(workspace: Workspace, folder: str) -> str:
    """List a folder: files with size, folders with a slash, links with target.

    Raises ToolFailed.
    """
    top = workspace.resolve(folder) if folder not in ("", ".", "./") else ""
    place = workspace.root / top
    if not place.is_dir():
        raise ToolFailed(f"{top} is not a folder")
    lines = sorted(_describe_entry(entry) for entry in os.scandir(place))
    prefix = f"{top}/" if top else ""
    hidden = {**{p: f"a link to {t}" for p, t in workspace.links.items()}, **workspace.left_out}
    inside = {path: why for path, why in hidden.items() if path.rpartition("/")[0] == top}
    lines += [f"{path.removeprefix(prefix)} ({why})" for path, why in sorted(inside.items())]
    rendered = [render_line(line) for line in lines[:MAX_PATHS]]
    more = len(lines) - len(rendered)
    return "\n".join(rendered + ([f"… and {more} more; use glob"] if more else [])) or "an empty folder"


def grep(workspace: Workspace, pattern: str, folder: str = "", seconds: float = MAX_SECONDS) -> str:
    """List lines that match a regular expression, as `path:line: text`. Raises ToolFailed."""
    top = workspace.resolve(folder) if folder not in ("", ".", "./") else ""
    ends = time.monotonic() + seconds
    lines: list[str] = []
    try:
        for path, number, text in _matching_lines(workspace, top, _compile(pattern), ends):
            lines.append(render_line(f"{path}:{number}: {text}"))
            if len(lines) >= MAX_MATCHES:
                lines.append(f"… only the first {MAX_MATCHES} matches; use a narrower pattern or path")
                break
    except TimeoutError:
        lines.append(f"… stopped after {seconds:.0f} seconds; use a simpler pattern or a narrower path")
    return "\n".join(lines) or "no line matches"


def iter_files(workspace: Workspace, top: str = "", everything: bool = False) -> Iterator[str]:
    """Yield the paths of all files in a folder (or of the one file), sorted by folder."""
    if top and (workspace.root / top).is_file():
        yield top
        return
    for folder, names, found in os.walk(workspace.root / top, followlinks=False):
        # sorted: the next invocation may run on another machine, and its answers must be the same
        names[:] = sorted(name for name in names if everything or name not in SKIPPED_FOLDERS)
        for name in sorted(found):
            yield Path(folder, name).relative_to(workspace.root).as_posix()


def _describe_entry(entry: os.DirEntry[str]) -> str:
    if entry.is_dir(follow_symlinks=False):
        return entry.name + "/"
    return f"{entry.name} ({entry.stat(follow_symlinks=False).st_size:,} bytes)"


def _matching_paths(pattern: str, paths: Iterator[str], start: str, seconds: float) -> Iterator[str]:
    """Raises ToolFailed."""
    whole = regex.compile(translate(pattern, recursive=True, include_hidden=True, seps="/"))
    ends = time.monotonic() + seconds
    try:
        for path in paths:
            # never negative: `regex` takes a negative timeout for none
            if whole.match(path.removeprefix(start), timeout=max(0.001, ends - time.monotonic())):
                yield path
    except TimeoutError:
        raise ToolFailed("the pattern takes too long; use a simpler one") from None


def _compile(pattern: str) -> regex.Pattern[str]:
    """Raises ToolFailed."""
    if not pattern or len(pattern) > MAX_PATTERN:
        raise ToolFailed(f"a pattern must have between 1 and {MAX_PATTERN} characters")
    if _RECURSIVE.search(pattern):
        # (?R)|a recurses without end, and exhausts memory within the time limit of a search
        raise ToolFailed("a pattern that calls itself or a group, such as (?R) or (?1), is not supported")
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError) as fault:
        raise ToolFailed(f"invalid regular expression: {str(fault)[:200]}") from None


def _matching_lines(
    workspace: Workspace, top: str, expression: regex.Pattern[str], ends: float
) -> Iterator[tuple[str, int, str]]:
    """Raises TimeoutError, also in the middle of a line: a bad pattern can hang on one."""
    for path in iter_files(workspace, top):
        try:
            content = workspace.read(path)
        except ToolFailed:
            continue
        if len(content) > MAX_SEARCHED_BYTES or b"\0" in content[:8_000]:
            continue
        for number, line in enumerate(split_lines(content.decode("utf-8", errors="replace")), 1):
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError
            # `concurrent` releases the GIL: a slow search must not delay the renewal of the lease
            if expression.search(line.removesuffix("\r")[:MAX_LINE], timeout=left, concurrent=True):
                yield path, number, line
