"""Exports, read with third-party readers."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from groundwork.backlog.export import Backlog, render
from groundwork.backlog.model import Effort, Epic, Priority, Project, Story, Subtask

AT = "2026-11-21T09:30:00.000Z"
PROJECT = Project(id="p", name="Shop", description="What we sell", created_at=AT)
titles = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(
    lambda text: bool(text.strip())
)


def epic(number: int, title: str = "Faster", priority: Priority = "high") -> Epic:
    return Epic(
        id=f"p-E{number}",
        project_id="p",
        code=f"E{number}",
        title=title,
        description="Slow, they say",
        goal="No waiting",
        priority=priority,
        created_at=AT,
    )


def story(
    epic_number: int, number: int, title: str = "Cache", criteria: tuple[str, ...] = ("Given a, then b",)
) -> Story:
    return Story(
        id=f"p-E{epic_number}-S{number}",
        epic_id=f"p-E{epic_number}",
        project_id="p",
        code=f"S{number}",
        title=title,
        role="buyer",
        want="to wait less",
        benefit="I buy more",
        acceptance_criteria=criteria,
        effort="L",
        created_at=AT,
    )


def subtask(epic_number: int, story_number: int, number: int, title: str = "Measure", effort: Effort = "S") -> Subtask:
    return Subtask(
        id=f"p-E{epic_number}-S{story_number}-ST{number}",
        story_id=f"p-E{epic_number}-S{story_number}",
        project_id="p",
        code=f"ST{number}",
        title=title,
        effort=effort,
        created_at=AT,
    )


@pytest.fixture
def backlog() -> Backlog:
    return Backlog.of(
        PROJECT,
        [epic(1), epic(2, "Cheaper")],
        [story(1, 1), story(1, 2, "Index"), story(2, 1, "Discount")],
        [subtask(1, 1, 1), subtask(1, 1, 2, "Build"), subtask(2, 1, 1, "Count")],
    )


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


def words(markdown: str) -> list[str]:
    """Return the visible texts of the rendered page by block."""
    blocks = MarkdownIt("commonmark").enable(["strikethrough", "table"]).parse(markdown)
    return ["".join(part.content for part in block.children or ()) for block in blocks if block.type == "inline"]


def test_json_nests_subtasks_in_stories_in_epics(backlog: Backlog) -> None:
    tree = json.loads(render("json", backlog).body)
    assert tree["project"]["name"] == "Shop"
    codes = {e["code"]: {s["code"]: [t["code"] for t in s["subtasks"]] for s in e["stories"]} for e in tree["epics"]}
    assert codes == {"E1": {"S1": ["ST1", "ST2"], "S2": []}, "E2": {"S1": ["ST1"]}}


def test_csv_has_a_row_for_each_in_the_order_of_the_tree(backlog: Backlog) -> None:
    rows = table(render("csv", backlog).body)
    assert [row["code"] for row in rows] == [
        "E1", "E1-S1", "E1-S1-ST1", "E1-S1-ST2", "E1-S2", "E2", "E2-S1", "E2-S1-ST1",
    ]  # fmt: skip
    assert rows[1]["description"] == "As a buyer, I want to wait less, so that I buy more."
    assert rows[1]["acceptanceCriteria"] == "Given a, then b"


def test_csv_says_to_excel_that_it_is_utf_8_and_jira_s_does_not(backlog: Backlog) -> None:
    assert render("csv", backlog).body.startswith("\ufeffkind")
    assert render("jira", backlog).body.startswith("Issue Type")


def test_jira_gets_every_parent_before_its_children_and_by_its_id(backlog: Backlog) -> None:
    rows = table(render("jira", backlog).body)
    assert [row["Issue Type"] for row in rows] == ["Epic"] * 2 + ["Story"] * 3 + ["Sub-task"] * 3
    by_id = {row["Issue ID"]: row for row in rows}
    assert len(by_id) == len(rows)
    parents = {row["Summary"]: by_id[row["Parent"]]["Summary"] for row in rows if row["Parent"]}
    assert parents == {
        "Cache": "Faster", "Index": "Faster", "Discount": "Cheaper",
        "Measure": "Cache", "Build": "Cache", "Count": "Discount",
    }  # fmt: skip


def test_jira_gets_its_own_priorities_points_and_criteria(backlog: Backlog) -> None:
    first, *_, last = table(render("jira", backlog).body)
    assert (first["Priority"], first["Description"]) == ("High", "Slow, they say\n\nGoal: No waiting")
    assert (last["Priority"], last["Story Points"]) == ("", "2")
    assert "Acceptance criteria:\n* Given a, then b" in table(render("jira", backlog).body)[2]["Description"]


def test_a_jira_summary_is_one_line_of_at_most_255_characters() -> None:
    rows = table(render("jira", Backlog.of(PROJECT, [epic(1, "two\nlines " + "x" * 280)], [], [])).body)
    assert rows[0]["Summary"].startswith("two lines x")
    assert len(rows[0]["Summary"]) == 255


@pytest.mark.parametrize(
    ("made_by", "said"),
    [
        ("mock", "made by the mock model"),
        ("claude-sonnet-5-5", "made by claude-sonnet-5-5"),
        ("person", ""),
        (None, ""),
    ],
)
def test_an_export_names_the_model_behind_each_item(made_by: str | None, said: str) -> None:
    mark = {"made_by": made_by}
    items = [item.model_copy(update=mark) for item in (epic(1), story(1, 1), subtask(1, 1, 1))]
    backlog = Backlog.of(PROJECT, items[:1], items[1:2], items[2:])  # type: ignore[arg-type]
    (tree,) = json.loads(render("json", backlog).body)["epics"]
    assert [tree["madeBy"], tree["stories"][0]["madeBy"], tree["stories"][0]["subtasks"][0]["madeBy"]] == [made_by] * 3
    assert [row["madeBy"] for row in table(render("csv", backlog).body)] == [made_by or ""] * 3
    marked = 3 if said else 0
    shown = [text.casefold() for text in words(render("markdown", backlog).body)]
    assert sum("made by" in text and said in text for text in shown) == marked
    assert [row["Description"].endswith(said) for row in table(render("jira", backlog).body)] == [True] * 3
    assert render("jira", backlog).body.count("made by") == marked


@pytest.mark.parametrize("format_", ["csv", "jira"])
@pytest.mark.parametrize("formula", ['=HYPERLINK("x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_begins_a_formula(format_: str, formula: str) -> None:
    backlog = Backlog.of(PROJECT, [epic(1, formula).model_copy(update={"description": formula})], [], [])
    for row in table(render(format_, backlog).body):  # type: ignore[arg-type]
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row.values())


@given(st.lists(titles, min_size=1, max_size=5))
def test_any_title_is_read_back_from_json_csv_and_jira(names: list[str]) -> None:
    backlog = Backlog.of(PROJECT, [epic(number, name) for number, name in enumerate(names, 1)], [], [])
    assert [e["title"] for e in json.loads(render("json", backlog).body)["epics"]] == names
    quoted = [f"'{name}" if name[0] in "=+-@" else name for name in names]
    assert [row["title"] for row in table(render("csv", backlog).body)] == quoted
    summaries = [" ".join(name.split()) for name in names]
    quoted = [f"'{name}" if name[0] in "=+-@" else name for name in summaries]
    assert [row["Summary"] for row in table(render("jira", backlog).body)] == quoted


@given(titles)
def test_any_title_is_read_as_it_is_from_markdown(name: str) -> None:
    backlog = Backlog.of(PROJECT, [epic(1, name)], [story(1, 1, name, (name,))], [subtask(1, 1, 1, name)])
    shown, line = words(render("markdown", backlog).body), " ".join(name.split())
    assert f"E1 {line}" in shown
    assert f"E1-S1 {line}" in shown
    assert line in shown
    assert f"[ ] E1-S1-ST1 {line} (S)" in shown


@pytest.mark.parametrize(
    "text", ["# no heading", "- no list", "1. no list", "> no quote", "---", "<b>x</b>", "&lt;", "[a](b)"]
)
def test_a_description_makes_no_markdown_of_its_own(text: str) -> None:
    backlog = Backlog.of(PROJECT.model_copy(update={"description": text}), [], [], [])
    blocks = MarkdownIt("commonmark").parse(render("markdown", backlog).body)
    assert [block.type for block in blocks if block.nesting == 1] == ["heading_open", "paragraph_open"]
    assert words(render("markdown", backlog).body) == ["Shop", text]


@pytest.mark.parametrize(
    ("name", "filename"),
    [("../../etc/passwd", "etc-passwd"), ('a"; x="b\r\n', "a-x-b"), ("日本", "backlog"), ("Ω" * 90, "backlog")],
)
def test_a_file_name_is_safe_in_a_header_and_on_a_disk(name: str, filename: str) -> None:
    backlog = Backlog.of(PROJECT.model_copy(update={"name": name}), [], [], [])
    assert render("jira", backlog).filename == f"{filename}.jira.csv"
    assert render("markdown", backlog).filename == f"{filename}.md"
