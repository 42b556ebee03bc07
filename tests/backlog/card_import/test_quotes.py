"""A misplaced quote rejects its row: it swallows no other row and changes no text."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.backlog.card_import import importer
from groundwork.backlog.card_import.content import Memory
from groundwork.backlog.card_import.importer import Upload, read_upload
from groundwork.backlog.card_import.layout import Layout
from groundwork.backlog.card_import.lines import LineReader
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.backlog.card_import.records import MISPLACED
from groundwork.backlog.new_cards import NewCard
from tests.backlog.card_import.test_fuzz import FUZZ, resumes_everywhere
from tests.backlog.card_import.test_parts import checked


def upload(body: str) -> Upload:
    return read_upload(body.encode(), Parameters(), max_rows=1_000)


def texts(body: str) -> list[str]:
    return [card.text for card in upload(body).cards]


def rejects(body: str) -> list[tuple[int | None, str]]:
    return [(rejected.line, rejected.reason) for rejected in upload(body).rejected]


AMAZON = "review_id\tstar_rating\treview_headline\treview_body\n"


def test_a_table_with_tabs_and_plain_quotes_keeps_every_row_and_quote() -> None:
    body = (
        AMAZON
        + 'R1\t5\tok\tfine\nR2\t4\t"Wow\tNice one\nR3\t4\tok\t"Great" it is\nR4\t4\tok\tNice "three"\nR5\t1\ta\tb\n'
    )
    found = upload(body)
    assert found.rejected == []
    assert [card.text for card in found.cards] == [
        "ok\n\nfine",
        '"Wow\n\nNice one',
        'ok\n\n"Great" it is',
        'ok\n\nNice "three"',
        "a\n\nb",
    ]


def test_a_table_with_tabs_and_real_quotes_is_read_with_them() -> None:
    body = 'Id\tFeedback\tNote\n1\t"two\nlines"\tx\n2\t"say ""hi"""\ty\n3\t"plain"\tz\n'
    assert texts(body) == ["two\nlines", 'say "hi"', "plain"]
    assert texts('Id\tFeedback\n1\tSlow\n2\t"two\nlines"\n') == ["Slow", "two\nlines"]


def test_a_cell_of_two_lines_below_a_sample_with_plain_quotes_is_not_cut() -> None:
    rows = "".join(f'{number}\t"Great" number {number}\n' for number in range(4_000))
    body = f'Id\tFeedback\n{rows}a\t"two\nlines"\nb\t"Wow\nc\t"Oh" and "no\nd\tend\n'
    found = read_upload(body.encode(), Parameters(), max_rows=5_000)
    assert not found.layout.quoted
    assert [(rejected.line, rejected.reason) for rejected in found.rejected] == [(4_002, MISPLACED)]
    assert [card.text for card in found.cards[4_000:]] == ['"Wow', '"Oh" and "no', "end"]
    listed = "".join(f'"Great" number {number}\n' for number in range(4_000))
    found = read_upload(f'Feedback\n{listed}"two\nlines"\nend\n'.encode(), Parameters(), max_rows=5_000)
    assert [rejected.line for rejected in found.rejected] == [4_002]
    assert [card.text for card in found.cards[4_000:]] == ["end"]


def test_the_quoting_is_kept_with_the_layout() -> None:
    body = (AMAZON + 'R2\t4\t"Wow\tNice one\nR3\t4\tok\tfine\n').encode()
    inspected = importer.inspect(Memory(body), Parameters())
    layout = Layout.from_json(json.loads(json.dumps(inspected.layout.as_json())))
    assert (layout.quoted, layout) == (False, inspected.layout)
    stored = inspected.layout.as_json()
    del stored["quoted"]
    assert Layout.from_json(stored).quoted


def test_a_quote_within_a_cell_rejects_its_row_alone() -> None:
    body = 'Id,Feedback\n0,Slow\n1,"He said "hi" to me"\n2,"fine"\n3,Nice "three"\n'
    assert texts(body) == ["Slow", "fine", 'Nice "three"']
    assert rejects(body) == [(3, MISPLACED)]


def test_a_row_with_a_stray_quote_swallows_no_row_below() -> None:
    body = (
        'Id,Stars,Title,Feedback\nR1,5,ok,fine\nR2,4,"Wow,Nice one\nR3,4,ok,Nice\nR4,4,ok,"Very "nice" one"\nR5,1,a,b\n'
    )
    assert texts(body) == ["ok\n\nfine", "ok\n\nNice", "a\n\nb"]
    assert [line for line, _ in rejects(body)] == [3, 5]


def test_the_lines_of_a_cell_with_a_misplaced_quote_are_no_rows() -> None:
    body = 'Id,Feedback,Note\n1,"First line\nShe said "hi" there\nand bye",x\n2,fine,y\n'
    assert texts(body) == ["fine"]
    assert rejects(body) == [(2, MISPLACED)]
    assert upload(body).cards[0].line == 5


def test_an_odd_quote_within_a_cell_takes_no_row_below() -> None:
    rows = "".join(f"{number},Text {number},x\n" for number in range(2, 40))
    body = 'Id,Feedback,Note\n1,"He said "hi to me",x\n' + rows
    assert len(texts(body)) == 38
    assert rejects(body) == [(2, MISPLACED)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_blanks_around_a_delimiter_do_not_matter(delimiter: str) -> None:
    row = [f'"say ""hi"" " {delimiter}"two\nlines" ', "x"]
    body = delimiter.join(["Feedback", "Note", "More"]) + "\n" + delimiter.join(row) + "\nplain" + delimiter * 2 + "\n"
    found = upload(body)
    assert found.rejected == []
    assert [card.text for card in found.cards] == ['say "hi"', "plain"]


def test_a_list_of_texts_in_quotes_of_their_own_keeps_them() -> None:
    assert texts('Feedback\n"Great" they said\nSlow\n"Bad" and "worse"\nEnd\n') == [
        '"Great" they said',
        "Slow",
        '"Bad" and "worse"',
        "End",
    ]
    assert texts('Feedback\n"Great" they said\n') == ['"Great" they said']
    assert texts('Feedback\n"two\nlines"\n"say ""hi"""\n') == ["two\nlines", 'say "hi"']


def test_a_name_in_the_header_may_have_a_quote() -> None:
    assert texts('Id,"Your "honest" feedback"\n1,Slow\n') == ["Slow"]


def test_a_name_of_two_lines_has_columns_beside_it() -> None:
    body = b'"Feedback\nof users",Plan\nSlow,Free\n'
    found = read_upload(body, Parameters(text=("Feedback of users",)), max_rows=9)
    assert [(card.text, card.metadata) for card in found.cards] == [("Slow", {"Plan": "Free"})]


CELLS = [
    '"He said "hi" to me"',
    '"Wow',
    'end"',
    '"a "b',
    '"two\nlines"',
    '"x" ',
    '"x" y',
    "plain",
    '""',
    '""""',
    "",
    '"',
]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_misplaced_quotes_are_cut_and_resumed_alike(seed: int, delimiter: str) -> None:
    draw = random.Random(seed)
    width = draw.choice([1, 2, 4])
    rows = [delimiter.join(draw.choice(CELLS) for _ in range(width)) for _ in range(40)]
    header = delimiter.join(["text", "a", "b", "c"][:width])
    body = (header + "\n" + "\n".join(rows)).encode()
    assert checked(body, Parameters(text=("text",)), draw.choice([1, 4, 31])) >= 1
    assert resumes_everywhere(body, Parameters(text=("text",)), draw.choice([1, 9, 1_000])) >= 1


def test_plain_quotes_are_cut_and_resumed_alike() -> None:
    rows = "".join(f'{number}\t"Great" {"x" * 9_000}\n' for number in range(8))
    body = f'Id\tFeedback\n{rows}a\t"two\nlines"\nb\t"Wow\nc\t"Oh" and "no\nd\tend\n'.encode()
    assert checked(body, Parameters(), 1) == 12
    assert resumes_everywhere(body, Parameters(), 1_000) == 12


@FUZZ
@given(st.lists(st.text(st.sampled_from('"ab ,\n'), max_size=12), min_size=1, max_size=20))
def test_a_text_comes_from_the_file_as_it_is(cells: list[str]) -> None:
    body = "id,text,more\n" + "\n".join(f"{at},{cell},x" for at, cell in enumerate(cells)) + "\n"
    for card in upload(body).cards:
        assert isinstance(card, NewCard)
        assert card.text in body or card.text.replace('"', '""') in body


@pytest.mark.parametrize("line", [b'x","y\n', b'"a","b"c\n', b'"a\n', b'a,"b""\n', b'"\n'])
def test_any_number_of_misplaced_quotes_is_read_in_bounded_work(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = 0
    original = LineReader.decoded

    def counted(self: LineReader, lines: list[tuple[bytes, int]]) -> list[str]:
        nonlocal decoded
        decoded += sum(len(raw) for raw, _ in lines)
        return original(self, lines)

    monkeypatch.setattr(LineReader, "decoded", counted)
    body = b"text,n\na,1\n" + line * 20_000
    inspected = importer.inspect(Memory(body), Parameters())
    decoded = 0
    assert sum(1 for _ in importer.read(inspected)) >= 1
    # reading the rest of the file again after each quote would be 10,000 times its size
    assert decoded < 30 * len(body)
