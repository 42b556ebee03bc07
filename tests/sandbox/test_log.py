"""The text of a log: no byte of it does anything to a terminal, and pages join to the whole."""

from hypothesis import given
from hypothesis import strategies as st

from groundwork.sandbox.agent.log import Log, Plain

SEQUENCES = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]52;c;aGk=\x1b\\",
    "\x1b(B",
    "\x1bPq#0\x1b\\",
    "\x9b31m",
    "a\rb",
]
TEXT = st.lists(st.one_of(st.text(max_size=8), st.sampled_from(SEQUENCES)), max_size=12).map("".join)


def plain(*chunks: bytes) -> str:
    made = Plain()
    return "".join([made.feed(chunk) for chunk in chunks]) + made.feed(b"", final=True)


def test_colours_titles_and_the_clipboard_are_taken_out() -> None:
    text = "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b]52;c;aGk=\x1b\\plain\x1b(B\r\n10%\r20%\n\u202eright to left"
    assert plain(text.encode()) == "red plain\n10%\n20%\nright to left"


def test_bytes_that_are_no_text_are_shown_as_numbers() -> None:
    assert plain(b"\xff\xfe ok") == "\\xff\\xfe ok"


def test_a_sequence_that_never_ends_holds_nothing_back() -> None:
    assert plain(b"\x1b]0;" + b"x" * 10_000).endswith("x" * 100)


@given(TEXT, st.integers(1, 7))
def test_chunks_make_no_difference(text: str, size: int) -> None:
    data = text.encode("utf-8", "surrogatepass")
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert plain(*chunks) == plain(data)


@given(TEXT)
def test_nothing_that_controls_a_terminal_is_left(text: str) -> None:
    left = plain(text.encode("utf-8", "surrogatepass"))
    assert all(character == "\n" or character == "\t" or ord(character) >= 32 for character in left)
    assert not any(0x7F <= ord(character) <= 0x9F for character in left)


@given(st.lists(st.text(alphabet="aé€😀\n", max_size=30), max_size=20), st.integers(4, 40), st.integers(4, 50))
def test_pages_join_to_the_whole_or_say_how_much_is_missing(parts: list[str], limit: int, page: int) -> None:
    log, whole = Log(limit), "".join(parts).encode()
    for part in parts:
        log.write(part.encode())
    log.write(b"", final=True)
    offset, told = 0, 0
    while offset < log.total:
        text, following, skipped = log.read(offset, page)
        assert following > offset
        told += skipped + (following - offset - skipped)
        if "\ufffd" not in text:
            assert text.encode() == whole[offset + skipped : following]
        offset = following
    assert told == log.total == len(whole)
    assert len(log._head) + len(log._tail) <= 2 * limit + 4
