"""Find a file's encoding: BOM, NUL pattern, strict UTF-8, then a detector."""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field

from groundwork.backlog.card_import.content import Content, Derived, head
from groundwork.backlog.card_import.errors import Damaged, NotAFeedbackFile
from groundwork.backlog.card_import.limits import SAMPLE_BYTES
from groundwork.backlog.card_import.names import word_list

SURE_BYTES = 40
"""Non-ASCII bytes needed to trust the detector: never wrong in 1,651 trials.

With fewer, the file gets a warning.
"""
SHOWN_LINES = 3

# UTF-32 before UTF-16: its little-endian mark begins with the other's
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_CANDIDATES = word_list(
    """cp1252 mac-roman iso8859-15 cp850 cp1250 iso8859-2 cp1251 koi8-r cp866 cp1253 cp1254 cp1255 cp1256 cp874
    cp932 euc-jp gb18030 big5 cp949"""
)
# browsers read these supersets under the names, and so keep curly quotes and vendor characters
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "iso2022_jp": "iso2022_jp_2",
}
# these take quadratic time, or are not encodings of text files
_UNSUITABLE = {"punycode", "idna", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7", "mbcs", "oem"}
_ASCII = bytes(range(32, 127)) + b"\r\n\t"


@dataclass(frozen=True, slots=True)
class Encoding:
    """`start` is the BOM's length. `alternatives`: three decoded lines each, if unsure."""

    name: str
    start: int = 0
    sure: bool = True
    alternatives: tuple[tuple[str, tuple[str, ...]], ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Scan:
    """The non-ASCII lines of a whole file."""

    ascii: bool = True
    valid: int = 0
    invalid: int = 0
    cut: bool = False
    escapes: bool = False
    sample: bytearray = field(default_factory=bytearray)

    @property
    def is_utf8(self) -> bool:
        # a few broken bytes among many valid ones are damage, not another encoding
        return not self.invalid or self.valid >= 9 * self.invalid or (self.cut and self.invalid == 1)


def known_charset(name: str) -> str | None:
    """Return Python's name of a permitted charset; None for any other."""
    try:
        info = codecs.lookup(name.strip().strip('"'))
    except (LookupError, ValueError):
        return None
    unsuitable = info.name.replace("_", "-") in _UNSUITABLE or not info._is_text_encoding
    return None if unsuitable else _SUPERSETS.get(info.name, info.name)


def detect(content: Content, named: str | None = None, *, stated: str | None = None) -> Encoding:
    """Find the encoding.

    `named` is the user's choice; `stated` comes from a content type and may be wrong.
    """
    start = head(content, SAMPLE_BYTES)
    for bom, name in _BOMS:
        if start.startswith(bom) and (named is None or _family(named) == _family(name)):
            return Encoding(name, len(bom))
    if named is not None:
        return Encoding(_ordered(_charset(named), start))
    if pattern := _nul_pattern(start):
        return Encoding(pattern)
    # clients state UTF-8 by default, whatever the bytes are
    if stated is not None and _family(_charset(stated)) not in ("utf-8", "ascii"):
        return Encoding(_ordered(_charset(stated), start))
    _refuse_controls(start)
    return _by_lines(content)


def _charset(name: str) -> str:
    charset = known_charset(name)
    if charset is None:
        raise Damaged(f"Unknown charset: {name[:60]!r}.")
    return charset


def _family(name: str) -> str:
    charset = known_charset(name) or name
    return charset.removesuffix("-le").removesuffix("-be").removesuffix("-sig")


def _ordered(name: str, start: bytes) -> str:
    """Decide the byte order of UTF-16 or UTF-32 without a BOM."""
    if name in ("utf-16", "utf-32"):
        # Windows, the usual source, writes little-endian
        return _nul_pattern(start) or f"{name}-le"
    return "utf-8" if name == "utf-8-sig" else name


def _nul_pattern(start: bytes) -> str | None:
    # an ASCII letter in UTF-16 has its NUL in the same half of each pair
    even, odd = start[::2].count(0), start[1::2].count(0)
    half = max(1, len(start) // 2)
    if odd >= half * 0.05 and odd >= 8 * even and odd > 1:
        return "utf-16-le"
    if even >= half * 0.05 and even >= 8 * odd and even > 1:
        return "utf-16-be"
    return None


def _refuse_controls(start: bytes) -> None:
    # without 27, the escape of ISO-2022 encodings
    controls = sum(start[:4096].count(code) for code in (*range(9), *range(14, 27), *range(28, 32)))
    if controls > max(2, len(start[:4096]) * 0.05):
        raise NotAFeedbackFile("This is not a text file: export the feedback as CSV, JSON, NDJSON or xlsx.")


def _by_lines(content: Content) -> Encoding:
    scan = _scanned(content)
    if scan.escapes:
        return Encoding("iso2022_jp_2")
    if scan.ascii or scan.is_utf8:
        odd = "Some bytes are not UTF-8: rows with them are rejected."
        return Encoding("utf-8", warnings=(odd,) if scan.invalid else ())
    return _detected(bytes(scan.sample))


def _scanned(content: Content) -> _Scan:
    scan = _Scan()
    for line in _lines(content):
        if line.isascii():
            # ISO-2022-JP is pure ASCII with these escapes
            scan.escapes |= b"\x1b$B" in line or b"\x1b$@" in line
            continue
        scan.ascii = False
        try:
            line.decode()
            scan.valid += 1
            scan.cut = False
        except UnicodeDecodeError as error:
            scan.invalid += 1
            scan.cut = error.reason == "unexpected end of data" and error.end == len(line)
        if len(scan.sample) < SAMPLE_BYTES:
            scan.sample += line[: SAMPLE_BYTES - len(scan.sample)]
    return scan


def _lines(content: Content) -> Iterator[bytes]:
    """Yield lines, or pieces of a long line cut between UTF-8 characters."""
    rest = b""
    for chunk in content.chunks():
        if chunk.isascii() and rest.isascii():
            yield rest + chunk
            rest = b""
            continue
        lines = (rest + chunk).splitlines(keepends=True)
        rest = lines.pop()
        yield from lines
        if len(rest) > SAMPLE_BYTES:
            cut = len(rest) - 8
            while cut < len(rest) and 0x80 <= rest[cut] < 0xC0:
                cut += 1
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _detected(sample: bytes) -> Encoding:
    # imported here: hardly any file needs it, and its model takes 20 MB and a tenth of a second
    import chardet

    guesses: list[str] = []
    for guess in chardet.detect_all(sample, ignore_threshold=True, include_encodings=_CANDIDATES):
        name = known_charset(guess["encoding"] or "cp1252") or "cp1252"
        if name not in guesses and _decodes(sample, name):
            guesses.append(name)
    guesses = guesses or ["cp1252"]
    non_ascii = sum(byte >= 0x80 for byte in sample)
    if non_ascii >= SURE_BYTES:
        return Encoding(guesses[0])
    shown = tuple((name, shown_lines(sample, name)) for name in guesses[:SHOWN_LINES])
    warning = f"The encoding is probably {guesses[0]}: check the preview, or set it with ?charset=."
    return Encoding(guesses[0], sure=False, alternatives=shown, warnings=(warning,))


def _decodes(sample: bytes, name: str) -> bool:
    try:
        # the sample may end inside a character
        codecs.getincrementaldecoder(name)().decode(sample)
    except (UnicodeError, ValueError):
        return False
    return True


def shown_lines(sample: bytes, name: str) -> tuple[str, ...]:
    """Decode the first three lines, so that users can choose the encoding."""
    return tuple(line.decode(name, "replace").strip()[:200] for line in sample.splitlines()[:SHOWN_LINES])


def splits_by_bytes(name: str) -> bool:
    """Return True if line ends are plain bytes in this encoding: lines can be split undecoded."""
    if name.startswith(("utf-16", "utf-32", "iso2022", "hz")):
        return False
    try:
        return _ASCII.decode(name) == _ASCII.decode("ascii")
    except UnicodeError:
        return False


def transcoded(content: Content, encoding: Encoding) -> Derived:
    """Return the content as UTF-8 without BOM, with U+FFFD for undecodable bytes."""

    def produce() -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(encoding.name)("replace")
        for chunk in content.chunks(encoding.start):
            yield decoder.decode(chunk).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")

    return Derived(produce)
