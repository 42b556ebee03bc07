"""Words of shell commands."""

import posixpath
import shlex
from collections.abc import Iterable, Iterator

MAX_NESTING = 3
"""Levels of commands quoted in commands, as in `bash -c "..."`."""


def paths_in(commands: Iterable[str]) -> set[str]:
    """Return the words of commands that may be paths of the repository."""
    words = (word for command in commands for word in _words(command, MAX_NESTING))
    # absolute paths are outside of the repository
    return {posixpath.normpath(word) for word in words if word and not word.startswith("/")}


def _words(command: str, depth: int) -> Iterator[str]:
    for word in _split(command):
        if depth and any(one.isspace() for one in word):
            yield from _words(word, depth - 1)
            continue
        yield word
        # values of options: --requirement=a.txt, -ra.txt, and of variables: FILE=a.txt
        yield word.partition("=")[2]
        if word.startswith("-"):
            yield word[2:]


def _split(command: str) -> list[str]:
    # a comment may contain words too: a URL with a fragment looks like one
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        return list(lexer)
    except ValueError:
        return command.split()
