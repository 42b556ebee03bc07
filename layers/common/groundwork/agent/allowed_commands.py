"""Allowed commands of a session, and the safe parsing of their arguments. Pure.

Without arguments an allowed command runs as it stands in the settings, by a shell. With arguments no shell interprets
them: each is one quoted word. So a command with shell syntax of its own takes no arguments.
"""

import re
import shlex
from collections.abc import Sequence

from groundwork.agent.rendering import render_line
from groundwork.agent.workspace import ToolFailed
from groundwork.checks.model import MAX_COMMAND_CHARACTERS, CheckSettings

MAX_LISTED = 30

# words without a meaning to a shell; a first word with = would set a variable
_PLAIN = re.compile(r"[\w@%+:,./-]+(\s+[\w@%+=:,./-]+)*", re.ASCII)
_QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.""", re.DOTALL)
_OPERATOR = re.compile(r"[|&;<>()`$]")
_EXPANSION = re.compile(r"[`$]")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def allowed_commands(settings: CheckSettings) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*settings.allowed, *settings.verify, *settings.setup)))


def allowed_line(settings: CheckSettings, text: str) -> str:
    """Return the shell line of an allowed command with its arguments. Raises ToolFailed."""
    text = text.strip()
    if not text or len(text) > MAX_COMMAND_CHARACTERS:
        raise ToolFailed(f"a command must have between 1 and {MAX_COMMAND_CHARACTERS:,} characters")
    allowed = allowed_commands(settings)
    for line in allowed:
        if text == line.strip():
            return line
    words = _words(text)
    for line in allowed:
        prefix = line.split()
        if _PLAIN.fullmatch(line.strip()) and words[: len(prefix)] == prefix:
            return shlex.join(words)
    raise ToolFailed(f"this command is not allowed. {describe_allowed(settings)}")


def describe_allowed(settings: CheckSettings) -> str:
    """Explain the choice of commands to the model."""
    lines = allowed_commands(settings)
    shown = "; ".join(render_line(line) for line in lines[:MAX_LISTED])
    more = f"; and {len(lines) - MAX_LISTED} more" if len(lines) > MAX_LISTED else ""
    return f"Allowed, with further arguments unless they use shell syntax: {shown}{more}"


def chosen_commands(settings: CheckSettings, wanted: Sequence[int | str] | None) -> tuple[str, ...]:
    """Return the commands of `verify` chosen by number or text. Raises ToolFailed."""
    if not wanted:
        return settings.verify
    places = {_place(settings.verify, one) for one in wanted}
    return tuple(settings.verify[place] for place in sorted(places))


def _place(verify: Sequence[str], wanted: int | str) -> int:
    text = str(wanted).strip()
    if text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= len(verify):
        return int(text) - 1
    for place, line in enumerate(verify):
        if line.strip() == text:
            return place
    listed = "; ".join(f"{number}: {render_line(line)}" for number, line in enumerate(verify, 1))
    raise ToolFailed(f"there is no check {render_line(text, 100)}; there are {listed}. Use run for another command")


def _words(text: str) -> list[str]:
    """Split into words without a shell. Raises ToolFailed."""
    if _CONTROL.search(text):
        raise ToolFailed("a command must be one line without control characters")
    quoted, rest = _QUOTED.findall(text), _QUOTED.sub("", text)
    if _OPERATOR.search(rest) or any(part.startswith('"') and _EXPANSION.search(part) for part in quoted):
        raise ToolFailed(
            "no shell interprets the arguments: pipes, redirections, variables, && and ; are not supported; run one "
            "command at a time, and quote an argument with such characters"
        )
    try:
        return shlex.split(text)
    except ValueError as fault:
        raise ToolFailed(f"the command cannot be split into words: {str(fault)[:100]}") from None
