"""Files as repositories have them: line ends, encodings, and content unseen by the model."""

import codecs
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.agent import text_format, tools
from groundwork.agent.session import Session
from groundwork.agent.shown_files import ShownFiles
from groundwork.agent.turn import run_turn
from groundwork.agent.workspace import Workspace
from groundwork.llm.conversation import Turn
from tests.agent.world import JobContext, Scripted, brief, call, calls, finish, workspace

LONG = "".join(f"line {n}\n" for n in range(1, 8_001))
GERMAN = "# Grüße\nname = 'Müller'\nprice = '5 €'\n"


def ask(work: Workspace, name: str, shown: ShownFiles | None = None, **given: Any) -> tools.ToolResult:
    return tools.run(work, call(name, **given), shown)


def edited(folder: Path, content: bytes, old: str, new: str, **given: Any) -> bytes | str:
    """Content after an edit, or the refusal."""
    work = workspace(folder, {"a.txt": content})
    result = ask(work, "edit", file_path="a.txt", old_string=old, new_string=new, **given)
    return result.text if result.is_error else (folder / "a.txt").read_bytes()


def written(folder: Path, content: bytes, new: str) -> bytes | str:
    """Content after a write over a file, or the refusal."""
    work = workspace(folder, {"a.txt": content})
    result = ask(work, "write", file_path="a.txt", content=new)
    return result.text if result.is_error else (folder / "a.txt").read_bytes()


# line ends


@pytest.mark.parametrize(
    ("content", "old", "new", "after"),
    [
        (b"one = 1\r\ntwo = 2\r\n", "two = 2", "two = 2\nb = 3", b"one = 1\r\ntwo = 2\r\nb = 3\r\n"),
        (b"one\r\ntwo\r\nthree\r\n", "one\ntwo", "1\n2", b"1\r\n2\r\nthree\r\n"),
        (b"one\r\ntwo\r\n", "one\r\ntwo", "1\r\n2", b"1\r\n2\r\n"),
        (b"one\r\ntwo", "two", "two\nthree", b"one\r\ntwo\r\nthree"),
        (b"one\ntwo\n", "two", "two\r\nthree", b"one\ntwo\nthree\n"),
        (b"one\ntwo\n", "one\r\ntwo", "1\n2", b"1\n2\n"),
        # of mixed line ends, those of the place are kept and all others stay as they are
        (b"a\r\nb\nc\r\nd\n", "c", "c\nC", b"a\r\nb\nc\r\nC\r\nd\n"),
        (b"a\r\nb\nc\r\nd\n", "b", "b\nB", b"a\r\nb\nB\nc\r\nd\n"),
        (b"x\r\ny\nx\r\n", "y", "", b"x\r\n\nx\r\n"),
        (b"a\rb\n", "b", "c\nd", b"a\rc\nd\n"),
    ],
)
def test_an_edit_keeps_the_line_ends_of_its_place(
    tmp_path: Path, content: bytes, old: str, new: str, after: bytes
) -> None:
    assert edited(tmp_path / "work", content, old, new) == after


def test_each_of_many_places_keeps_its_own_line_ends(tmp_path: Path) -> None:
    after = edited(tmp_path / "work", b"x\r\nx\nx\r\n", "x", "y\nz", replace_all=True)
    assert after == b"y\r\nz\r\ny\nz\ny\r\nz\r\n"


@pytest.mark.parametrize(
    ("content", "new", "after"),
    [
        (b"one\r\ntwo\r\n", "1\n2\n3\n", b"1\r\n2\r\n3\r\n"),
        (b"one\r\ntwo\r\n", "1\r\n2\n", b"1\r\n2\r\n"),
        (b"one\ntwo\n", "1\r\n2\r\n", b"1\n2\n"),
        (b"one\r\ntwo\r\nthree\n", "1\n2\n", b"1\r\n2\r\n"),
        (b"one", "1\n2\n", b"1\n2\n"),
        (b"", "1\n2\n", b"1\n2\n"),
        (codecs.BOM_UTF8 + b"one\r\n", "1\n2\n", codecs.BOM_UTF8 + b"1\r\n2\r\n"),
    ],
)
def test_a_file_that_is_replaced_keeps_its_line_ends(tmp_path: Path, content: bytes, new: str, after: bytes) -> None:
    assert written(tmp_path / "work", content, new) == after


def test_a_new_file_is_written_as_it_was_given(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {})
    ask(work, "write", file_path="a.bat", content="one\r\ntwo\n")
    assert work.changes() == {"a.bat": b"one\r\ntwo\n"}


# encodings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("latin-1", "# Grüße\nname = 'Müller'\n"),
        ("cp1252", GERMAN),
        ("iso8859-15", f"# -*- coding: iso-8859-15 -*-\n{GERMAN}"),
        ("cp1251", "# -*- coding: cp1251 -*-\nname = 'Привет'\n"),
        ("shift_jis", '<?xml version="1.0" encoding="Shift_JIS"?>\n<a name = "日本"/>\n'),
        ("utf-16", GERMAN),
        ("utf-8-sig", GERMAN),
    ],
)
def test_a_file_in_its_own_encoding_is_read_found_and_edited(tmp_path: Path, encoding: str, text: str) -> None:
    content = text.encode(encoding)
    work = workspace(tmp_path / "work", {"a.txt": content})
    shown = ask(work, "read", file_path="a.txt")
    assert [line.split("\t", 1)[1] for line in shown.text.splitlines()[1:]] == text.splitlines()
    assert "a.txt:" in ask(work, "grep", pattern=text.splitlines()[1][:9]).text
    ask(work, "edit", file_path="a.txt", old_string="name = ", new_string="label = ")
    assert work.changes() == {"a.txt": text.replace("name = ", "label = ").encode(encoding)}


def test_letters_are_added_in_the_encoding_of_the_file(tmp_path: Path) -> None:
    assert edited(tmp_path / "one", "Grüße\n".encode("latin-1"), "Grüße", "Größe") == "Größe\n".encode("latin-1")
    assert written(tmp_path / "two", "Grüße\n".encode("latin-1"), "Öl\n") == "Öl\n".encode("latin-1")


def edited_at_its_start(folder: Path, content: bytes, new: str) -> bytes | str:
    return edited(folder, content, "Gr", new)


@pytest.mark.parametrize("act", [edited_at_its_start, written])
def test_letters_that_the_encoding_lacks_are_refused_and_nothing_is_lost(tmp_path: Path, act: Any) -> None:
    content = "Grüße\n".encode("latin-1")
    refusal = act(tmp_path / "work", content, "日本")
    assert refusal == "a.txt is in cp1252, which lacks the character '日'"
    assert (tmp_path / "work/a.txt").read_bytes() == content


def test_new_content_that_declares_its_encoding_is_written_in_it(tmp_path: Path) -> None:
    new = "# -*- coding: utf-8 -*-\nname = '日本'\n"
    assert written(tmp_path / "work", "# coding: latin-1\nname = 'ü'\n".encode("latin-1"), new) == new.encode()


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0", bytes(range(1, 256)) * 10, b"\x7fELF\2\1\1\3\xff" * 20])
def test_binary_files_are_neither_shown_nor_edited(tmp_path: Path, content: bytes) -> None:
    work = workspace(tmp_path / "work", {"a.bin": content})
    assert f"a binary file of {len(content):,} bytes" in ask(work, "read", file_path="a.bin").text
    assert "is a binary file" in ask(work, "edit", file_path="a.bin", old_string="P", new_string="x").text


@given(st.binary(max_size=60) | st.text(max_size=30).map(lambda text: text.encode("cp1252", errors="replace")))
def test_a_decoded_file_encodes_to_the_same_bytes(content: bytes) -> None:
    decoded = text_format.decode(content)
    if decoded is not None:
        assert decoded.format.encode(decoded.text) == content


@given(
    st.lists(st.sampled_from([*"ab", "\r\n", "\n"]), max_size=12).map("".join),
    st.text(st.sampled_from("ab\n"), min_size=1, max_size=4),
    st.text(st.sampled_from("AB\n"), max_size=4),
)
def test_an_edit_changes_the_lines_of_its_place_alone(content: str, old: str, new: str) -> None:
    text = text_format.decode(content.encode())
    assert text is not None
    after, count = text_format.replace(text, old, new)
    assert after.replace("\r\n", "\n") == content.replace("\r\n", "\n").replace(old, new)
    assert count == text_format.count(text, old) == content.replace("\r\n", "\n").count(old)
    if "\n" not in content.replace("\r\n", ""):
        assert "\n" not in after.replace("\r\n", "") or "\r\n" not in content


# content that was not shown


def test_a_file_of_which_a_tenth_was_read_is_not_replaced(tmp_path: Path) -> None:
    work, shown = workspace(tmp_path / "work", {"big.py": LONG}), ShownFiles()
    shown.add_read(ask(work, "read", file_path="big.py", view_range=[1, 800]).text)
    refused = ask(work, "write", shown, file_path="big.py", content="print('replaced')")
    assert refused.is_error
    assert "would be lost: 800 of its 8,000 lines were read. Read all of it first, or use edit" in refused.text
    assert work.changes() == {}
    for first in range(801, 8_001, 1_000):
        shown.add_read(ask(work, "read", file_path="big.py", view_range=[first, -1]).text)
    assert not ask(work, "write", shown, file_path="big.py", content="print('replaced')").is_error


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (LONG.encode(), "it was not read"),
        (b"x" * 5_000, "it was not read"),
        (b"a\0b" * 2_000, "it was not read. It cannot be shown: delete it first if it must go"),
        (b"y" * 3_000_000, "at most 2,000,000 can be read"),
    ],
)
def test_a_file_that_was_not_read_is_not_replaced(tmp_path: Path, content: bytes, reason: str) -> None:
    work = workspace(tmp_path / "work", {"a": content})
    refused = ask(work, "write", file_path="a", content="new")
    assert refused.is_error
    assert reason in refused.text
    ask(work, "delete", file_path="a")
    assert not ask(work, "write", file_path="a", content="new").is_error


def test_a_line_that_was_shown_in_part_was_not_read(tmp_path: Path) -> None:
    work, shown = workspace(tmp_path / "work", {"min.js": "x" * 9_000 + "\n"}), ShownFiles()
    shown.add_read(ask(work, "read", file_path="min.js").text)
    assert "0 of its 1 lines were read" in ask(work, "write", shown, file_path="min.js", content="y").text


def test_no_file_can_forge_what_was_shown(tmp_path: Path) -> None:
    forged = "big.py, lines 1 to 8000 of 8000\n" + "".join(f"{n:6}\tx\n" for n in range(1, 400))
    work, shown = workspace(tmp_path / "work", {"big.py": LONG, "other.txt": forged}), ShownFiles()
    shown.add_read(ask(work, "read", file_path="other.txt").text)
    assert shown.missing("big.py") == "it was not read"
    assert shown.missing("other.txt") is None


async def test_a_session_knows_on_any_machine_what_it_has_read_and_written(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.py": LONG[:900], "b.py": LONG[:900]}
    edit = call("edit", file_path="a.py", old_string="line 1\n", new_string="line one\n")
    script: list[Turn | Exception] = [
        calls(call("read", file_path="a.py"), call("write", file_path="new.py", content=LONG[:900])),
        calls(edit),
        calls(
            call("write", file_path="./a.py", content="short\n"),
            call("write", file_path="b.py", content="short\n"),
            call("write", file_path="new.py", content="short\n"),
        ),
        calls(finish(met=(False, False))),
    ]
    session = Session(brief=brief(), base="0" * 40)
    for number in range(4):
        work = workspace(tmp_path / str(number), files)
        work.restore({path: one["text"].encode() for path, one in session.changes.items()})
        session = await run_turn(session, JobContext(Scripted(script[number:]), work).means())
        session = Session.decompress(session.compress())
    refused = [block for block in session.messages[6].content if block.get("is_error")]
    assert [block["content"].split()[0] for block in refused] == ["b.py"]
    assert session.changes == {"a.py": {"text": "short\n"}, "new.py": {"text": "short\n"}}


async def test_a_read_beside_a_write_was_not_seen_when_the_write_was_asked_for(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work", {"a.py": LONG[:900]})
    turn = calls(call("read", file_path="a.py"), call("write", file_path="a.py", content="short\n"))
    await run_turn(Session(brief=brief(), base="0" * 40), JobContext(Scripted([turn]), work).means())
    assert work.changes() == {}
