"""Unpack gzip and zip within limits, and refuse binary files with advice."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from groundwork.backlog.card_import.content import CHUNK, Content, Derived, Memory, SeekableFile, head
from groundwork.backlog.card_import.errors import Damaged, NotAFeedbackFile
from groundwork.backlog.card_import.limits import MAX_ARCHIVE_DEPTH, MAX_ARCHIVE_MEMBERS, MIB, ImportLimits
from groundwork.errors import TooLarge

Kind = Literal["text", "xlsx", "slack"]

_TABLE = "the table as CSV or xlsx"
_SIGNATURES = (
    (b"%PDF", "a PDF", _TABLE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (.xls, .doc)", "it as .xlsx or CSV"),
    (b"\x89PNG", "a picture", "the text behind it"),
    (b"\xff\xd8\xff", "a picture", "the text behind it"),
    (b"GIF8", "a picture", "the text behind it"),
    (b"BM\x00\x00", "a picture", "the text behind it"),
    (b"II*\x00", "a picture", "the text behind it"),
    (b"PAR1", "a Parquet file", "the table as CSV or NDJSON"),
    (b"ORC", "an ORC file", "the table as CSV or NDJSON"),
    (b"Obj\x01", "an Avro file", "the table as CSV or NDJSON"),
    (b"ARROW1", "an Arrow file", "the table as CSV or NDJSON"),
    (b"SQLite format 3\x00", "a SQLite database", "the table as CSV"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "it as zip or gzip"),
    (b"Rar!", "a RAR archive", "it as zip or gzip"),
    (b"BZh", "a bzip2 file", "it as zip or gzip"),
    (b"\xfd7zXZ\x00", "an xz file", "it as zip or gzip"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", "it as zip or gzip"),
    (b"{\\rtf", "an RTF document", _TABLE),
    (b"\x7fELF", "a program", _TABLE),
    (b"MZ\x90", "a program", _TABLE),
    (b"RIFF", "a sound, film or picture", "its transcript as CSV"),
    (b"ID3", "a sound", "its transcript as CSV"),
    (b"OggS", "a sound or film", "its transcript as CSV"),
    (b"SIMPLE  =", "a FITS file", _TABLE),
    (b"\x80\x04\x95", "a Python pickle", "the table as CSV or NDJSON"),
    (b"bplist00", "a binary property list", "the table as CSV or JSON"),
)
_MARKUP = re.compile(rb"\s*<(\?xml|!doctype|html|rss|feed|table|svg)\b", re.IGNORECASE)
_MAILBOX = re.compile(rb"From [^\r\n]{1,200}\b\d\d:\d\d[^\r\n]{0,60}\b\d{4}\b")
_MAIL_HEADER = re.compile(
    rb"(return-path|received|delivered-to|mime-version|message-id|from|to|date|subject|content-type|dkim-signature|"
    rb"x-[a-z-]{2,40}|reply-to|sender):[ \t]",
    re.IGNORECASE,
)
_MIN_MAIL_HEADERS = 2
_MAIL = "the messages as CSV or JSON, one for each record,"
_OFFICE = (
    ("xl/workbook.bin", "a binary Excel workbook (.xlsb)", "it as .xlsx or CSV"),
    ("word/document.xml", "a Word document", _TABLE),
    ("ppt/presentation.xml", "a PowerPoint file", _TABLE),
    ("META-INF/container.xml", "an e-book", _TABLE),
    ("AndroidManifest.xml", "an Android app", _TABLE),
)
_DATA = re.compile(r"\.(csv|tsv|tab|txt|json|ndjson|jsonl|xlsx|xlsm|gz|zip)$", re.IGNORECASE)
_HIDDEN = re.compile(r"(^|/)(__MACOSX/|\.)")
_SLACK_DAY = re.compile(r"^[^/]+/\d{4}-\d\d-\d\d\.json$")
# zipfile raises RuntimeError for a password, and its subclass NotImplementedError for an unknown compression
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Unpacked:
    content: Content
    kind: Kind
    name: str = ""
    packed: bool = False


def unpack(content: Content, limits: ImportLimits, name: str = "") -> Unpacked:
    """Remove up to three layers of compression."""
    packed = False
    for _ in range(MAX_ARCHIVE_DEPTH + 1):
        start = head(content, 512)
        if start.startswith(b"\x1f\x8b"):
            content, packed = _bounded(_gunzipped(content), limits), True
        # an empty archive begins with its end record
        elif start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            found = _from_zip(content, limits, name)
            if found.kind != "text":
                return found
            content, name, packed = found.content, found.name, True
        else:
            _refuse_binary(start)
            return Unpacked(content, "text", name, packed)
    raise NotAFeedbackFile("The archive contains nested archives: send the file itself.")


def _refuse_binary(start: bytes) -> None:
    for signature, what, instead in _SIGNATURES:
        if start.startswith(signature):
            raise _refusal(what, instead)
    if start[4:8] == b"ftyp":
        raise _refusal("a film or picture", "its transcript as CSV")
    if _MARKUP.match(start.removeprefix(b"\xef\xbb\xbf")):
        raise _refusal("an HTML or XML page", _TABLE)
    _refuse_mail(start.removeprefix(b"\xef\xbb\xbf"))


def _refuse_mail(start: bytes) -> None:
    if _MAILBOX.match(start):
        raise _refusal("a mailbox (mbox)", _MAIL)
    lines = start.lstrip().splitlines()[:3]
    # a header line may go on in the next line
    if lines and _MAIL_HEADER.match(lines[0]) and sum(map(bool, map(_MAIL_HEADER.match, lines))) >= _MIN_MAIL_HEADERS:
        raise _refusal("an e-mail (.eml)", _MAIL)


def _refusal(what: str, instead: str) -> NotAFeedbackFile:
    return NotAFeedbackFile(f"This is {what}: export {instead} instead.")


def _bounded(content: Content, limits: ImportLimits) -> Derived:
    def produce() -> Iterator[bytes]:
        total = 0
        for chunk in content.chunks():
            total += len(chunk)
            if total > limits.unpacked:
                raise too_large(limits)
            yield chunk

    return Derived(produce)


def too_large(limits: ImportLimits) -> TooLarge:
    return TooLarge(f"Unpacked, the file is larger than {limits.unpacked // MIB} MB.")


def _gunzipped(content: Content) -> Derived:
    return Derived(lambda: _gunzip(content.chunks()))


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    members = _Members()
    try:
        for chunk in chunks:
            yield from members.unpacked(chunk)
        yield from members.rest()
    except zlib.error:
        raise Damaged("The gzip data is damaged.") from None
    if not members.ended:
        raise Damaged("The gzip data is cut off: send the file again.")


class _Members:
    """Decompress the members of a gzip file in pieces of limited size."""

    def __init__(self) -> None:
        # 31: the largest window, 15, and 16 for gzip's header
        self._member = zlib.decompressobj(wbits=31)
        self._pending = b""

    @property
    def ended(self) -> bool:
        return self._member.eof

    def unpacked(self, chunk: bytes) -> Iterator[bytes]:
        self._pending += chunk
        while self._pending:
            if self._member.eof and not self._next_member():
                return
            yield self._member.decompress(self._pending, CHUNK)
            self._pending = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def _next_member(self) -> bool:
        # tools append members, and pad the end with NULs
        self._pending = self._pending.lstrip(b"\0")
        self._member = zlib.decompressobj(wbits=31) if self._pending else self._member
        return bool(self._pending)

    def rest(self) -> Iterator[bytes]:
        while not self._member.eof and (out := self._member.decompress(b"", CHUNK)):
            yield out


def _from_zip(content: Content, limits: ImportLimits, name: str) -> Unpacked:
    archive = _archive(content)
    names = set(archive.namelist())
    if len(names) > MAX_ARCHIVE_MEMBERS:
        raise NotAFeedbackFile(f"The archive holds more than {MAX_ARCHIVE_MEMBERS} files.")
    for member, what, instead in _OFFICE:
        if member in names:
            raise _refusal(what, instead)
    if "mimetype" in names and "content.xml" in names:
        raise _refusal("an OpenDocument file", "it as .xlsx or CSV")
    if "xl/workbook.xml" in names or "[Content_Types].xml" in names:
        _check_total(archive.infolist(), limits)
        return Unpacked(content, "xlsx", name, packed=True)
    days = [info for info in archive.infolist() if _SLACK_DAY.match(info.filename)]
    if days and names & {"users.json", "channels.json"}:
        _check_total(archive.infolist(), limits)
        return Unpacked(content, "slack", name, packed=True)
    return _only_member(content, archive, limits)


def _only_member(content: Content, archive: zipfile.ZipFile, limits: ImportLimits) -> Unpacked:
    infos = [info for info in archive.infolist() if _DATA.search(info.filename) and not _HIDDEN.search(info.filename)]
    # Notion exports a view and the whole table: the latter holds all rows
    infos = [info for info in infos if info.filename.lower().endswith("_all.csv")] or infos
    if len(infos) != 1:
        listed = ", ".join(info.filename for info in infos[:5]) or "none"
        raise NotAFeedbackFile(f"The archive must hold one CSV, JSON, NDJSON or xlsx file; found: {listed}.")
    _check_total(infos, limits)
    return Unpacked(member(content, infos[0].filename), "text", infos[0].filename, True)


def _check_total(infos: list[zipfile.ZipInfo], limits: ImportLimits) -> None:
    # zipfile never reads more of a member than its directory states
    if sum(info.file_size for info in infos) > limits.unpacked:
        raise too_large(limits)


def _archive(content: Content) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BufferedReader(SeekableFile(content), CHUNK))
    except _ZIP_ERRORS:
        raise Damaged("The zip archive is damaged or cut off.") from None


def member(content: Content, name: str) -> Derived:
    return Derived(lambda: _member_chunks(content, name))


def _member_chunks(content: Content, name: str) -> Iterator[bytes]:
    """Yield the bytes of one member."""
    try:
        with _archive(content) as archive, archive.open(name) as member:
            while chunk := member.read(CHUNK):
                yield chunk
    except (*_ZIP_ERRORS, KeyError) as error:
        word = "protected by a password" if "password" in str(error) else "damaged"
        raise Damaged(f"The zip archive is {word}.") from None


def slack_days(content: Content) -> list[str]:
    """Name the day files of a Slack export in the order of channel and day."""
    return sorted(name for name in _archive(content).namelist() if _SLACK_DAY.match(name))


def whole(content: Content, limit: int) -> bytes:
    """Return all bytes; raises TooLarge beyond `limit`."""
    parts, total = [], 0
    for chunk in content.chunks():
        total += len(chunk)
        if total > limit:
            raise TooLarge(f"A file of this kind may have at most {limit // MIB} MB.")
        parts.append(chunk)
    return b"".join(parts)


def in_memory(content: Content, limit: int) -> Memory:
    return Memory(whole(content, limit))
