"""Tools of a session.

Names and inputs follow the SDK's own toolset where it has them: models know those.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from groundwork.agent import search, text_format
from groundwork.agent.rendering import MAX_CHARACTERS, render_file, render_line
from groundwork.agent.shown_files import ShownFiles
from groundwork.agent.text_format import TextFormat
from groundwork.agent.workspace import MAX_WRITTEN_BYTES, ToolFailed, Workspace
from groundwork.llm.conversation import Block, Tool
from groundwork.llm.structured_output import describe_fault
from groundwork.text import shorten

MAX_UNREAD_LINES = 50
"""Lines of a file that may be replaced unread: so small a loss is seen in the diff."""

MAX_UNREAD_BYTES = 4_000


class ToolInput(BaseModel):
    # models know other versions of these tools: a refused extra field would cost a turn
    model_config = ConfigDict(extra="ignore")


class ReadInput(ToolInput):
    file_path: str = Field(description="Path from the top of the repository, such as src/app.py")
    view_range: list[int] | None = Field(
        None, min_length=2, max_length=2, description="First and last line; a last line of -1 is the end"
    )


class WriteInput(ToolInput):
    file_path: str = Field(description="Path from the top of the repository")
    content: str = Field(description="The whole new content of the file")


class EditInput(ToolInput):
    file_path: str = Field(description="Path from the top of the repository")
    old_string: str = Field(min_length=1, description="Text that is in the file exactly once, without line numbers")
    new_string: str = Field(description="What takes its place")
    replace_all: bool | None = Field(None, description="Replace every occurrence instead of the only one")


class GlobInput(ToolInput):
    pattern: str = Field(min_length=1, description="Such as src/**/*.py")
    path: str | None = Field(None, description="A folder to look in")


class GrepInput(ToolInput):
    pattern: str = Field(min_length=1, description="A regular expression, matched against each line")
    path: str | None = Field(None, description="A file or folder to look in")


class ListInput(ToolInput):
    path: str | None = Field(None, description="A folder; without it the top of the repository")


class DeleteInput(ToolInput):
    file_path: str = Field(description="Path from the top of the repository")


class CriterionVerdict(ToolInput):
    number: int = Field(ge=1, description="The criterion's number")
    met: bool
    evidence: str = Field(description="Where it can be seen that it is met, or what stands against it, in a sentence")
    not_run: bool | None = Field(
        None, description="True if it is not met only because a command it asks for could not be run here"
    )


class FinishInput(ToolInput):
    summary: str = Field(min_length=1, description="What was done and why, in a few sentences, for the commit")
    commit_subject: str = Field("", description="Conventional: 'type(scope): what it does', at most 72 characters")
    criteria: list[CriterionVerdict] = Field(description="One for each acceptance criterion of the task")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """Result of a tool for the model, and its line in the task's log.

    `print` replaces the text in the detection of loops, where the text differs each time.
    """

    text: str
    is_error: bool = False
    log: str = ""
    print: str = ""


def tool(name: str, input_: type[ToolInput], description: str) -> Tool:
    """Declare a tool with the schema of its input."""
    return Tool(name, description, _schema(input_))


def _schema(input_: type[BaseModel]) -> dict[str, Any]:
    plain: dict[str, Any] = _strip_titles(input_.model_json_schema())
    return plain | {"additionalProperties": False}


def _strip_titles(node: Any) -> Any:
    """Remove pydantic's titles: they repeat the names, and every call pays for them."""
    if isinstance(node, list):
        return [_strip_titles(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {name: _strip_titles(part) for name, part in node.items() if name != "title" or not isinstance(part, str)}


FINISH = "finish"
_TOOLS: dict[str, tuple[type[ToolInput], str]] = {
    "read": (ReadInput, "Read a text file. Lines come with their numbers, which are not part of the file."),
    "write": (WriteInput, "Write a whole file, new or in place of the old one. Missing folders are made."),
    "edit": (EditInput, "Replace a piece of a text file by another. Better than write for files that are there."),
    "glob": (GlobInput, "Find files by a pattern of their path."),
    "grep": (GrepInput, "Find lines by a regular expression."),
    "list": (ListInput, "List a folder."),
    "delete": (DeleteInput, "Delete a file."),
    FINISH: (
        FinishInput,
        "End the task. Call it once, last and alone, when the work is done or cannot be done: say what was done, and "
        "for each acceptance criterion whether it is met and where that can be seen.",
    ),
}
TOOLS = tuple(tool(name, input_, text) for name, (input_, text) in _TOOLS.items())


def run(workspace: Workspace, call: Block, shown: ShownFiles | None = None, others: Iterable[str] = ()) -> ToolResult:
    """Run one call of a file tool.

    `shown` has the files shown to the model, `others` the further tools of the session. Raises nothing for bad input:
    errors are results for the model.
    """
    name = str(call.get("name"))
    if name not in _TOOLS or name == FINISH:
        known = ", ".join([*_TOOLS, *others])
        return ToolResult(f"There is no tool {shorten(name, 50)!r}; there are {known}.", True, "unknown tool")
    try:
        request = parse_input(_TOOLS[name][0], call)
        if isinstance(request, WriteInput):
            text, log = _write(workspace, request, shown or ShownFiles())
        else:
            text, log = _RUN[name](workspace, request)
    except ToolFailed as problem:
        return failed(name, problem)
    return ToolResult(text if len(text) <= 2 * MAX_CHARACTERS else text[:MAX_CHARACTERS] + "\n… cut off", log=log)


def failed(name: str, problem: ToolFailed) -> ToolResult:
    return ToolResult(shorten(str(problem), 1_000), True, f"{name}: {render_line(str(problem))}")


def parse_input[T: ToolInput](input_: type[T], call: Block) -> T:
    """Parse a call's input. Raises ToolFailed."""
    arguments = call.get("input")
    try:
        return input_.model_validate(arguments if isinstance(arguments, Mapping) else {})
    except ValidationError as fault:
        raise ToolFailed(f"The input of {call.get('name')} is not valid: {describe_fault(fault)}") from None


def _read(workspace: Workspace, request: ReadInput) -> tuple[str, str]:
    path = workspace.resolve(request.file_path)
    first, last = request.view_range or (1, 0)
    if first < 1 or (0 < last < first):
        raise ToolFailed("view_range must be the first and the last line, such as [1, 200]")
    text = render_file(path, workspace.read(path), first, max(last, 0))
    return text, f"read {render_line(path)}"


def _write(workspace: Workspace, request: WriteInput, shown: ShownFiles) -> tuple[str, str]:
    path = workspace.resolve(request.file_path)
    content = _encoded(path, _format_of_new(workspace, path, shown), request.content)
    existed = workspace.write(path, content)
    shown.add_written(path)
    what = "replaced" if existed else "made"
    return f"{what} {path}: {len(content):,} bytes", f"{what} {render_line(path)} ({_lines(request.content)})"


def _format_of_new(workspace: Workspace, path: str, shown: ShownFiles) -> TextFormat | None:
    """Format of the file to replace; None for a new file.

    Raises ToolFailed if much of the file was not shown.
    """
    if not workspace.is_file(path):
        return None
    content = workspace.read(path)
    decoded = text_format.decode(content)
    is_small = content.count(b"\n") <= MAX_UNREAD_LINES and len(content) <= MAX_UNREAD_BYTES
    if not is_small and (missing := shown.missing(path)):
        way = "Read all of it first, or use edit" if decoded else "It cannot be shown: delete it first if it must go"
        raise ToolFailed(f"{path} has {len(content):,} bytes that would be lost: {missing}. {way}")
    return decoded.format if decoded else None


def _edit(workspace: Workspace, request: EditInput) -> tuple[str, str]:
    path = workspace.resolve(request.file_path)
    text = text_format.decode(workspace.read(path))
    if text is None:
        raise ToolFailed(f"{path} is a binary file and cannot be edited")
    old, new = request.old_string, request.new_string
    count = text_format.count(text, old)
    if count == 0:
        raise ToolFailed(f"old_string is not in {path}; read the file and copy the text exactly, without line numbers")
    if count > 1 and not request.replace_all:
        raise ToolFailed(f"old_string is in {path} {count} times; take more of the text around it, or set replace_all")
    grown = len(text.text) + count * (len(new) - len(old))
    if grown > MAX_WRITTEN_BYTES:
        # computed before the replacement: a letter with a million occurrences turns a short text into gigabytes
        raise ToolFailed(f"{path}: a file of {grown:,} bytes is too large; at most {MAX_WRITTEN_BYTES:,}")
    workspace.write(path, _encoded(path, text.format, text_format.replace(text, old, new)[0], keep=True))
    places = "once" if count == 1 else f"{count} times"
    return f"edited {path}, {places}", f"edited {render_line(path)} ({places})"


def _glob(workspace: Workspace, request: GlobInput) -> tuple[str, str]:
    return search.glob(
        workspace, request.pattern, request.path or ""
    ), f"looked for {render_line(request.pattern, 100)}"


def _grep(workspace: Workspace, request: GrepInput) -> tuple[str, str]:
    return search.grep(
        workspace, request.pattern, request.path or ""
    ), f"searched for {render_line(request.pattern, 100)}"


def _list(workspace: Workspace, request: ListInput) -> tuple[str, str]:
    return search.list_folder(workspace, request.path or ""), f"listed {render_line(request.path or 'the top')}"


def _delete(workspace: Workspace, request: DeleteInput) -> tuple[str, str]:
    path = workspace.resolve(request.file_path)
    workspace.delete(path)
    return f"deleted {path}", f"deleted {render_line(path)}"


def _encoded(path: str, form: TextFormat | None, text: str, keep: bool = False) -> bytes:
    """Encode a text in the file's own format. Raises ToolFailed. `keep`: leave its line ends."""
    used = form if form and keep else text_format.format_of_new(text, form)
    try:
        return used.encode(text if keep or form is None else used.with_newlines(text))
    except UnicodeEncodeError as fault:
        if used.encoding.startswith("utf"):
            raise ToolFailed("the text contains lone surrogates and cannot be written") from None
        character = render_line(text[fault.start : fault.start + 1])
        raise ToolFailed(f"{path} is in {used.encoding}, which lacks the character {character!r}") from None


def _lines(text: str) -> str:
    count = text.count("\n") + (not text.endswith("\n"))
    return f"{count} line{'' if count == 1 else 's'}"


# missing: write, for the files shown, and finish, handled in turn.py for the session
_RUN: dict[str, Callable[[Workspace, Any], tuple[str, str]]] = {
    "read": _read,
    "edit": _edit,
    "glob": _glob,
    "grep": _grep,
    "list": _list,
    "delete": _delete,
}
