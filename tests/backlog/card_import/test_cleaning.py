"""The markup of known exports becomes text; words that look like markup stay."""

import time
from collections.abc import Callable

import pytest

from groundwork.backlog.card_import import cleaning, markup
from groundwork.backlog.card_import.cards import MAX_RAW_TEXT
from groundwork.backlog.card_import.importer import Upload, read_upload
from groundwork.backlog.card_import.parameters import Parameters
from tests.backlog.card_import.exports import document, table


def upload(body: bytes) -> Upload:
    return read_upload(body, Parameters(), max_rows=100)


def zendesk(description: str) -> bytes:
    ticket = {"id": 1, "subject": "Bug", "description": description, "requester_id": 2}
    return document([ticket | {"created_at": "2026-03-01T10:00:00Z"}])


def hubspot(description: str) -> bytes:
    header = ["Ticket ID", "Ticket name", "Pipeline", "Ticket status", "Ticket description"]
    return table([header, ["1", "Bug", "Support", "New", description]])


def azure(description: str) -> bytes:
    header = ["ID", "Work Item Type", "Title", "State", "Description"]
    return table([header, ["1", "Bug", "Bug", "New", description]])


def discourse(**post: str) -> bytes:
    return document([{"id": 1, "topic_id": 2, "post_number": 3, "created_at": "2026-03-01T10:00:00Z"} | post])


MENTIONS = [
    "The <title> tag is empty on my page.\nAlso login fails since Monday.",
    "Map<String, List<Integer>> fails & a &lt; b",
    "Editor shows <style> in my mail, then nothing. Please help soon",
    "IEnumerable<Foo> is null in Bar<Baz>()",
    "The <table> has no <b> and </div> is left",
    "a < b > c <- d <3 <!-- <![CDATA[ <?php <",
    "see <![foo[ x <![cdata-ish]>",
    "Link https://x.io/?a=1&copy=2",
    "  <header> is missing",
]


@pytest.mark.parametrize("text", MENTIONS)
@pytest.mark.parametrize("export", [zendesk, hubspot, azure])
def test_a_text_that_names_a_tag_stays_as_it_is(export: Callable[[str], bytes], text: str) -> None:
    assert [card.text for card in upload(export(text)).cards] == [f"Bug\n\n{text.strip()}"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>Slow<br>map</p><p>R&amp;D</p>", "Slow\nmap\n\nR&D"),
        ("Slow<br/>map", "Slow\nmap"),
        ("<div>Slow", "Slow"),
        ("Very <b>slow</b>", "Very slow"),
        ("<ul><li>one</li><li>two</li></ul>", "- one\n\n- two"),
        ("<p>List<Foo> and </Foo> fail</p>", "List<Foo> and </Foo> fail"),
        ("<p>The <style> tag</p><p>is lost</p>", "The <style> tag\n\nis lost"),
        ("<style>p {color: red}</style><p>Slow</p>", "Slow"),
        ("<HEAD><title>x</title></HEAD><P>Slow</P>", "Slow"),
        ("<p>a <!-- hidden --> b</p>", "a  b"),
        ("<p>a <!-- open b</p>", "a <!-- open b"),
        ("<p>a <a title=\"x > y\" href='z'>link</a></p>", "a link"),
        ("<!DOCTYPE html><html><body>Slow</body></html>", "Slow"),
        ("<![if !mso]><p>Slow</p><![endif]><o:p></o:p>", "Slow"),
        ("<p>hi</p> see <![foo[ x", "hi\n\nsee <![foo[ x"),
        ("<p>x</p> <![cdata-ish]>", "x\n\n<![cdata-ish]>"),
        ("<p>1 < 2 &lt; 3 &copy=4 &#8364;&nbsp;5</p>", "1 < 2 < 3 &copy=4 € 5"),
        ("<p>don't</p> <a don't", "don't\n\n<a don't"),
    ],
)
def test_html_becomes_text_and_unknown_tags_stay(text: str, plain: str) -> None:
    assert [card.text for card in upload(hubspot(text)).cards] == [f"Bug\n\n{plain}"]


def test_a_plain_description_is_never_read_as_html() -> None:
    text = "Write <b>bold</b> in the <p>paragraph</p>"
    assert upload(zendesk(text)).cards[0].text == f"Bug\n\n{text}"


def test_a_post_as_written_stays_and_its_html_is_read_where_it_is_alone() -> None:
    raw, cooked = "Use **`<b>x</b>`** &amp; <br>", "<p>Use <strong><code>x</code></strong></p>"
    assert [card.text for card in upload(discourse(raw=raw, cooked=cooked)).cards] == [raw]
    assert [card.text for card in upload(discourse(raw=raw)).cards] == [raw]
    assert [card.text for card in upload(discourse(cooked=cooked)).cards] == ["Use x"]


def test_one_row_with_odd_markup_does_not_fail_the_others() -> None:
    header = ["Ticket ID", "Ticket name", "Pipeline", "Ticket description"]
    rows = [["1", "a", "x", "<p>hi</p> see <![foo[ x"], ["2", "b", "x", "<p>x</p>"]]
    assert len(upload(table([header, *rows])).cards) == 2


def test_too_much_markup_rejects_its_row_before_it_is_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def counted(text: str) -> str:
        seen.append(len(text))
        return text

    monkeypatch.setitem(cleaning.CLEANERS, "html", counted)
    found = upload(hubspot("<p>" + "<b></b>" * (MAX_RAW_TEXT // 7) + "</p>"))
    assert [rejected.row for rejected in found.rejected] == [1]
    assert found.rejected[0].reason.endswith("with its markup")
    assert max(seen, default=0) < 10


def steps(clean: Callable[[str], object], text: str) -> int:
    """Count the characters passed by searches in the text."""

    class Counted(str):
        total = 0

        def find(self, sub: str, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
            found = super().find(sub, start)
            Counted.total += (found if found >= 0 else len(self)) - start + 1
            return found

    clean(Counted(text))
    return Counted.total


@pytest.mark.parametrize("unit", ["<!--", "<a ", "<style>", "<b x='", "<![if ", "<", "<p ><!--"])
def test_twice_the_markup_takes_twice_the_steps(unit: str) -> None:
    for clean in (markup.to_text, markup.without_comments):
        once, twice = (steps(clean, "<p>" + unit * times + "</p>") for times in (1_000, 2_000))
        assert twice <= 2.2 * once + 100


@pytest.mark.parametrize(
    "unit",
    ["<!--", "<a ", "<a x=\"'", "<style>", "</style", "<script></", "&", "&#", " ", "\n ", "<br ", "<b>", "<![if "],
)
def test_the_time_of_cleaning_grows_with_the_length(unit: str) -> None:
    def spent(times: int) -> float:
        start = time.process_time()
        for clean in (markup.to_text, markup.without_comments):
            clean("<p>" + unit * times + "</p>")
        return time.process_time() - start

    spent(100)
    small, large = spent(2_000), spent(32_000)
    # 16 times the length: linear is 16 times the time, quadratic 256
    assert large < 80 * small + 0.05
