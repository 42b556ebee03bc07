"""The check of the Markdown documents finds what would mislead a reader."""

import re
from pathlib import Path

import pytest

from checks.documents import anchors, documents, faults, figures_of
from checks.sam import ROOT


def messages(folder: Path, markdown: str) -> list[str]:
    document = folder / "page.md"
    document.write_text(markdown)
    return [fault.message for fault in faults(document)]


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("[the page](gone.md)", "link gone.md: no such file"),
        ("# One\n\n[above](#two)", "link #two: no such heading"),
        ('<img src="gone.webp" alt="">', "link gone.webp: no such file"),
        ("Run `make gone`.", "make gone: no such target"),
        ("```sh\nmake check\nEXIT=1 make gone   # not there\n```", "make gone: no such target"),
        ("Run `python -m checks.gone --list`.", "python -m checks.gone: no such module"),
        ("Run `python -m tests.gone`.", "python -m tests.gone: no such module"),
        ("It is in `runs/gone.py`.", "runs/gone.py: no such path"),
        ("It is in `gone.py`.", "gone.py: no such path"),
        ("It is in `executing/`.", "executing/: no such path"),
        ("See `tests/checks/test_documents.py::test_gone`.", "tests/checks/test_documents.py::test_gone: no such path"),
        ("Read `groundwork.runs.gone`.", "groundwork.runs.gone: no such name"),
        ("Read `groundwork.errors.Gone`.", "groundwork.errors.Gone: no such name"),
    ],
)
def test_a_broken_reference_is_reported(tmp_path: Path, markdown: str, message: str) -> None:
    assert messages(tmp_path, markdown) == [message]


@pytest.mark.parametrize(
    "markdown",
    [
        "[elsewhere](https://example.com/gone), [here](page.md#twice-a-day-1)\n\n# Twice, a day\n\n# Twice, a day",
        "Run `make test`, `make test-all` or `make lock`; to make sense of it is another thing.",
        "```sh\npython -m checks.documents && python -m pytest\n```",
        "`functions/<name>/app.py`, `functions/*/app.py`, `runs/model.py`, `errors.py`",
        "`groundwork.errors.NotFound`, `groundwork.runs`, `docs/`, `text/csv`, `imports/`, `someone/repository`",
        "`tests/checks/test_documents.py::test_a_reference_that_holds_is_not_reported`",
    ],
)
def test_a_reference_that_holds_is_not_reported(tmp_path: Path, markdown: str) -> None:
    assert messages(tmp_path, markdown) == []


def test_a_fault_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Title\n\nfirst\nsecond `gone.py`\n")
    assert [fault.line for fault in faults(tmp_path / "page.md")] == [4]


def test_a_place_on_one_machine_is_reported(tmp_path: Path) -> None:
    assert messages(tmp_path, "```\ncd /" + "home/ann\n```") == [
        "/" + "home/a names a registry or a place on one machine"
    ]


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# The `make` commands\n\n## What's new?\n\n## A/B\n\n## A/B\n")
    assert anchors(page) == {"the-make-commands", "whats-new", "ab", "ab-1"}


def test_code_does_not_count_as_prose(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("One that counts.\n\n`which that`\n\n```\nwho what\n```\n")
    figures = figures_of(page)
    assert (figures.words, figures.pronouns) == (3, 1)


def test_the_documents_are_found_and_built_files_are_left_out() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in documents()}
    assert {"README.md", "web/README.md"} <= found
    assert not any("node_modules" in name for name in found)


DECISIONS = ROOT / "docs" / "decisions"
STATUS = re.compile(r"^Status: (accepted|superseded by \d+), (\d{4}-\d\d-\d\d)", re.MULTILINE)


def test_a_decision_has_number_title_status_and_date_and_the_index_repeats_them() -> None:
    index = (DECISIONS / "README.md").read_text()
    for path in sorted(DECISIONS.glob("[0-9]*.md")):
        text = path.read_text()
        number = int(path.name[:4])
        title = re.match(rf"# {number}\. (.+)\n", text)
        status = STATUS.search(text)
        assert title, path.name
        assert status, path.name
        assert f"| [{number}]({path.name}) | {title[1]} | {status[1]} | {status[2]} |" in index, path.name
