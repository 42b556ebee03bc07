"""Routes to import cards from a file, and to preview an import."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from email.message import Message
from typing import Annotated, Any
from urllib.parse import parse_qs

from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from groundwork.adapters.dynamodb.import_parts import ImportPart
from groundwork.api.deps import new_router, services
from groundwork.api.http import answers, from_json
from groundwork.api.request_bytes import CHANGED, RequestBytes, request_bytes, unpacked
from groundwork.backlog.card_import.cards import Rejected
from groundwork.backlog.card_import.parameters import NAMES, FileType, Parameters
from groundwork.backlog.import_schemas import ImportPreview, ImportResult
from groundwork.backlog.model import BY_IMPORT, BY_PERSON, MAX_CARDS_A_CALL, MAX_IMPORT_BYTES
from groundwork.backlog.new_cards import NewCard
from groundwork.errors import Invalid, Malformed, TooLarge, UnsupportedMediaType

TAKES_BYTES = re.compile(r"/api/projects/[^/]+/cards(/preview)?")
"""Paths of these routes: they decode bodies themselves."""
MAX_UNPACKED = 50 * 1024 * 1024
DEFAULT_REJECTED = 100
MAX_REASON = 200
"""Characters of a reason: the longest answer has half of what Lambda allows."""
MAX_PARAMETER = 200
OPTIONS = {"dedupe": ("content",), "madeBy": (BY_IMPORT, BY_PERSON)}
"""Parameters besides those of reading, with their values."""

MEDIA_TYPES: dict[str, FileType | None] = {
    "": "json",
    "application/json": "json",
    "text/json": "json",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "csv",
    "text/plain": None,
    # Windows gives a CSV file this type
    "application/vnd.ms-excel": None,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/gzip": None,
    "application/x-gzip": None,
    "application/zip": None,
    "application/x-zip-compressed": None,
    "application/octet-stream": None,
    "binary/octet-stream": None,
}
_SINGLE_VALUE = re.compile(rb'(null|true|false|-?[0-9.eE+-]+|"[^"]*")\s*')
_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")

IdempotencyKey = Annotated[str | None, Header(alias="idempotency-key", min_length=1, max_length=255)]
MaxRejected = Annotated[int, Query(alias="maxRejected", ge=1, le=MAX_CARDS_A_CALL)]

router = new_router()


@dataclass(frozen=True, slots=True)
class Sent:
    """A request: bytes, parameters, and `document` for the API's own JSON."""

    data: bytes
    parameters: Parameters
    by_content: bool
    made_by: str
    document: dict[str, Any] | None
    fingerprint: str


@router.post(
    "/api/projects/<project_id>/cards",
    tags=["cards"],
    operation_id="importCards",
    summary="Import cards",
    responses=answers(ImportResult),
)
def import_cards(
    project_id: str, max_rejected: MaxRejected = DEFAULT_REJECTED, idempotency_key: IdempotencyKey = None
) -> dict[str, Any]:
    # imported late: the other routes of the function must not pay for it at a cold start
    from groundwork.backlog import card_list
    from groundwork.backlog.card_import import importer

    sent = _sent("maxRejected")
    upload = (
        importer.read_upload(sent.data, sent.parameters, max_rows=MAX_CARDS_A_CALL)
        if sent.document is None
        else card_list.read_card_list(sent.document, MAX_CARDS_A_CALL)
    )
    part = ImportPart(idempotency_key, sent.fingerprint) if idempotency_key else None
    imported = services(router).tables.cards.import_cards(
        project_id, upload.cards, by_content=sent.by_content, made_by=sent.made_by, part=part
    )
    return {
        "created": imported.created,
        "duplicates": imported.duplicates + upload.duplicates,
        "rejected": [_listed(rejected) for rejected in upload.rejected[:max_rejected]],
        "rejectedCount": len(upload.rejected),
        "warnings": upload.warnings,
    }


@router.post(
    "/api/projects/<project_id>/cards/preview",
    tags=["cards"],
    operation_id="previewCards",
    summary="Preview an import",
    responses=answers(ImportPreview),
)
def preview_cards(project_id: str) -> dict[str, Any]:
    from groundwork.backlog import card_list
    from groundwork.backlog.card_import import importer
    from groundwork.backlog.card_import.content import Memory

    # a preview needs no project, but a wrong id shows here, before the import
    services(router).tables.projects.check(project_id)
    sent = _sent()
    shown = (
        importer.preview(Memory(sent.data), sent.parameters)
        if sent.document is None
        else card_list.preview_card_list(sent.document, MAX_CARDS_A_CALL)
    )
    return shown.as_json() | {"first": [_shown(card) for card in shown.first]}


def _shown(card: NewCard) -> dict[str, Any]:
    return {
        "row": card.row,
        "line": card.line,
        "text": card.text,
        "source": card.source,
        "externalId": card.external_id,
        "metadata": card.metadata,
        "postedAt": card.posted_at,
    }


def _listed(rejected: Rejected) -> dict[str, Any]:
    return asdict(rejected) | {"reason": rejected.reason[:MAX_REASON]}


def _sent(*others: str) -> Sent:
    """Read the current request. `others` are names of parameters read elsewhere.

    Raises Malformed, Invalid, TooLarge, UnsupportedMediaType.
    """
    event = router.current_event.raw_event
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    query = parse_qs(event.get("rawQueryString", ""), keep_blank_values=True)
    media, charset = _media_type(headers.get("content-type", ""))
    query = {name: values for name, values in query.items() if name not in others}
    options, parameters = _options(query), _parameters(query, media, charset)
    received = request_bytes(event)
    if len(received.data) > MAX_IMPORT_BYTES:
        raise TooLarge(
            f"At most {MAX_IMPORT_BYTES // 1024 // 1024} MB per request; this is {len(received.data)} bytes. "
            "Send a larger file with Content-Encoding: gzip, or in parts."
        )
    body = unpacked(received, headers.get("content-encoding", ""), MAX_UNPACKED)
    parameters = _of_text(body, parameters) if body.is_text else parameters
    # parameters included: with others the same file is another import
    digest = hashlib.sha256(repr((media, charset, sorted(query.items()))).encode() + b"\0" + body.data)
    return Sent(
        data=body.data,
        parameters=parameters,
        by_content="dedupe" in options,
        made_by=options.get("madeBy", BY_IMPORT),
        document=_card_list(body.data, parameters),
        fingerprint=digest.hexdigest(),
    )


def _media_type(content_type: str) -> tuple[str, str | None]:
    message = Message()
    message["content-type"] = content_type.strip() or "application/json"
    charset = message.get_param("charset")
    media = message.get_content_type()
    if media not in MEDIA_TYPES:
        raise UnsupportedMediaType(
            "Cards come as application/json, application/x-ndjson, text/csv, xlsx, or application/octet-stream."
        )
    return media, str(charset) if charset else None


def _options(query: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the parameters about the cards as a whole. Raises Invalid."""
    if unknown := sorted(set(query) - {*NAMES, *OPTIONS}):
        raise Invalid.field(unknown[0][:MAX_PARAMETER], "is unknown here")
    options = {name: query[name][-1] for name in OPTIONS if name in query}
    for name, value in options.items():
        if value not in OPTIONS[name]:
            raise Invalid.field(name, f"must be {' or '.join(map(repr, OPTIONS[name]))}")
    return options


def _parameters(query: Mapping[str, Sequence[str]], media: str, charset: str | None) -> Parameters:
    named = {name: value for name, value in query.items() if name not in OPTIONS}
    if not any(named.get("type", ())) and (kind := MEDIA_TYPES[media]):
        named["type"] = [kind]
    return Parameters.of(named, stated_charset=charset)


def _of_text(body: RequestBytes, parameters: Parameters) -> Parameters:
    """Leave out the charset of a body decoded by the gateway.

    Raises Malformed where bytes are lost.
    """
    if body.data.isascii():
        # nothing was changed: UTF-16 of plain letters comes through so, and needs its charset
        return parameters
    stated = parameters.charset or parameters.stated_charset or "utf-8"
    lost = "\ufffd".encode() in body.data
    if lost and (b"\0" in body.data or stated.lower() not in _UTF_8):
        raise Malformed(CHANGED)
    return replace(parameters, charset="utf-8", stated_charset=None)


def _card_list(data: bytes, parameters: Parameters) -> dict[str, Any] | None:
    """Return the API's own `{"cards": [...]}`, or None. Raises Invalid for a single value."""
    from groundwork.backlog.card_list import is_card_list

    # a byte order mark, as Windows editors write it
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    if parameters.type == "json" and _SINGLE_VALUE.fullmatch(start):
        raise Invalid.field("body", "must be an object or a list of cards")
    if parameters.type not in (None, "json") or not start.startswith(b"{"):
        return None
    # before parsing: an export may have 50 MB unpacked
    if b'"cards"' not in data and start.rstrip() != b"{}":
        return None
    try:
        document = from_json(start.decode("utf-8", "surrogatepass"))
    except (Malformed, UnicodeDecodeError):
        return None
    return document if is_card_list(document) else None
