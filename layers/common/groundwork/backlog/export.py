"""Export the backlog as JSON, CSV, Markdown, or CSV for Jira Cloud. Pure functions."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from groundwork.backlog.model import BY_IMPORT, BY_MOCK, BY_PERSON, Artifact, Epic, Project, Story, Subtask, Value

type Format = Literal["json", "csv", "markdown", "jira"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|&~])")
_LIST_MARK = re.compile(r"^([-+]|\d+(?=[.)]))")
_JIRA_PRIORITY = {"low": "Low", "medium": "Medium", "high": "High", "critical": "Highest"}
_POINTS = {"XS": 1, "S": 2, "M": 3, "L": 5, "XL": 8}


@dataclass(frozen=True, slots=True)
class Export:
    content_type: str
    filename: str
    body: str


class ExportedStory(Story):
    subtasks: tuple[Subtask, ...]


class ExportedEpic(Epic):
    stories: tuple[ExportedStory, ...]


class ExportedBacklog(Value):
    """The backlog as one JSON document."""

    project: Project
    epics: tuple[ExportedEpic, ...]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Epics in code order, with their stories and subtasks."""

    project: Project
    epics: Sequence[Epic]
    stories: dict[str, list[Story]]
    subtasks: dict[str, list[Subtask]]

    @classmethod
    def of(
        cls, project: Project, epics: Iterable[Epic], stories: Iterable[Story], subtasks: Iterable[Subtask]
    ) -> "Backlog":
        by_epic: dict[str, list[Story]] = {}
        by_story: dict[str, list[Subtask]] = {}
        for story in stories:
            by_epic.setdefault(story.epic_id, []).append(story)
        for subtask in subtasks:
            by_story.setdefault(subtask.story_id, []).append(subtask)
        return cls(project, list(epics), by_epic, by_story)


def render(format_: Format, backlog: Backlog) -> Export:
    renderers: dict[str, tuple[str, str, Callable[[Backlog], str]]] = {
        "json": ("application/json", "json", _json),
        "csv": ("text/csv; charset=utf-8", "csv", _csv),
        "markdown": ("text/markdown; charset=utf-8", "md", _markdown),
        "jira": ("text/csv; charset=utf-8", "jira.csv", _jira),
    }
    content_type, ending, render_body = renderers[format_]
    return Export(content_type, f"{_file_name(backlog.project.name)}.{ending}", render_body(backlog))


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()[:60] or "backlog"


def _json(backlog: Backlog) -> str:
    epics = tuple(_nested_epic(epic, backlog) for epic in backlog.epics)
    # the items were validated when read: thousands need not be validated again
    document = ExportedBacklog.model_construct(project=backlog.project, epics=epics)
    return json.dumps(document.as_json(), ensure_ascii=False, indent=2)


def _nested_epic(epic: Epic, backlog: Backlog) -> ExportedEpic:
    stories = (
        ExportedStory.model_construct(**dict(story), subtasks=tuple(backlog.subtasks.get(story.id, ())))
        for story in backlog.stories.get(epic.id, ())
    )
    return ExportedEpic.model_construct(**dict(epic), stories=tuple(stories))


def _walk(backlog: Backlog) -> Iterable[tuple[str, str, Artifact]]:
    """Yield kind, full code (E1, E1-S2, E1-S2-ST3) and item, in order."""
    for epic in backlog.epics:
        yield "epic", epic.code, epic
        for story in backlog.stories.get(epic.id, ()):
            code = f"{epic.code}-{story.code}"
            yield "story", code, story
            for subtask in backlog.subtasks.get(story.id, ()):
                yield "subtask", f"{code}-{subtask.code}", subtask


def _csv(backlog: Backlog) -> str:
    header = ["kind", "code", "title", "description", "priority", "effort", "acceptanceCriteria", "id", "madeBy"]
    rows = [
        [
            kind,
            code,
            item.title,
            description_of(item),
            getattr(item, "priority", ""),
            getattr(item, "effort", ""),
            "\n".join(getattr(item, "acceptance_criteria", ())),
            item.id,
            item.made_by or "",
        ]
        for kind, code, item in _walk(backlog)
    ]
    # the byte order mark makes Excel read the file as UTF-8
    return "\ufeff" + _table(header, rows)


def description_of(item: Artifact) -> str:
    if isinstance(item, Story):
        return f"As a {item.role}, I want {item.want}, so that {item.benefit}." if item.want else ""
    goal = f"\n\nGoal: {item.goal}" if isinstance(item, Epic) and item.goal else ""
    return f"{item.description}{goal}"


def model_note(item: Artifact) -> str:
    """Name the model behind an item; empty for an item of a person or of unknown origin."""
    if item.made_by in (None, BY_PERSON, BY_IMPORT):
        return ""
    return "made by the mock model" if item.made_by == BY_MOCK else f"made by {item.made_by}"


def _jira(backlog: Backlog) -> str:
    """Write Jira Cloud's CSV import format with its hierarchy (`Issue ID` and `Parent`).

    Source: Atlassian, "Keep work parent-child relationships during CSV import to Jira Cloud". The child's Parent holds
    the parent's Issue ID. All rows of a higher level precede those of a lower one, or Jira drops the relation.
    """
    header = ["Issue Type", "Issue ID", "Parent", "Summary", "Description", "Priority", "Story Points", "Labels"]
    levels = {"epic": "Epic", "story": "Story", "subtask": "Sub-task"}
    items = list(_walk(backlog))
    ordered = [item for level in levels for item in items if item[0] == level]
    numbers = {code: number for number, (_, code, _) in enumerate(ordered, 1)}
    rows = [
        [levels[kind], numbers[code], numbers.get(code.rpartition("-")[0], ""), *_jira_fields(item)]
        for kind, code, item in ordered
    ]
    return _table(header, rows)


def _jira_fields(item: Artifact) -> list[Any]:
    criteria = "\n".join(f"* {line}" for line in getattr(item, "acceptance_criteria", ()))
    parts = [description_of(item), criteria and f"Acceptance criteria:\n{criteria}", model_note(item)]
    return [
        # Jira's limit of a summary, on one line
        " ".join(item.title.split())[:255],
        "\n\n".join(part for part in parts if part),
        _JIRA_PRIORITY.get(getattr(item, "priority", ""), ""),
        _POINTS.get(getattr(item, "effort", ""), ""),
        "groundwork",
    ]


def _table(header: list[str], rows: list[list[Any]]) -> str:
    # CRLF, as the csv module writes it, must not be translated
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Quote texts a spreadsheet would run as formulas (OWASP, "CSV Injection")."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _markdown(backlog: Backlog) -> str:
    lines = [f"# {_escape(backlog.project.name)}", ""]
    if backlog.project.description:
        lines += [_escape(backlog.project.description), ""]
    for kind, code, item in _walk(backlog):
        facts = ", ".join(_facts(item))
        if kind == "subtask":
            lines.append(f"- [ ] **{code}** {_escape(item.title)} ({facts})")
            continue
        level = "##" if kind == "epic" else "###"
        lines += ["", f"{level} {code} {_escape(item.title)}", "", _escape(description_of(item)), ""]
        lines += [f"- {_escape(line)}" for line in getattr(item, "acceptance_criteria", ())]
        lines += ["", facts[:1].upper() + facts[1:], ""] if facts else []
    return "\n".join(lines) + "\n"


def _facts(item: Artifact) -> list[str]:
    """Return priority, effort and the model behind an item in words."""
    facts = [f"priority {item.priority}", f"effort {item.effort}"] if isinstance(item, Story) else []
    facts += [item.effort] if isinstance(item, Subtask) else []
    return [*facts, *([_escape(note)] if (note := model_note(item)) else [])]


def _escape(text: str) -> str:
    line = _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
    # a line with such a beginning would become a list
    return _LIST_MARK.sub(lambda mark: f"\\{mark[1]}" if mark[1] in "-+" else f"{mark[1]}\\", line)
