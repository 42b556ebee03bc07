"""Give each column its role: by parameter, by known format, or by its name."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from groundwork.backlog.card_import import vocabulary
from groundwork.backlog.card_import.errors import ColumnUnknown
from groundwork.backlog.card_import.export_format import Format
from groundwork.backlog.card_import.formats import recognise
from groundwork.backlog.card_import.guessing import NATIVE_TEXT, guessed
from groundwork.backlog.card_import.headers import lacks_header
from groundwork.backlog.card_import.layout import Mapping
from groundwork.backlog.card_import.names import key, last
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.backlog.card_import.personal import are_addresses, is_personal
from groundwork.backlog.card_import.profile import Profile


def rate(columns: Sequence[str], *, is_json: bool) -> int:
    """Rate a header: 2 for a known export, 1 if a name indicates feedback, else 0."""
    if recognise(columns, is_json=is_json):
        return 2
    column_keys = [key(name) for name in columns]
    texts = set(vocabulary.TEXT) | set(vocabulary.TITLE)
    return int(any(name in texts or (is_json and last(name) in texts) for name in column_keys))


def mapping_of(
    columns: Sequence[str], known: Format | None, profile: Profile, parameters: Parameters, *, is_json: bool
) -> Mapping:
    """Map the columns. `text` of the result is empty if no column is known to hold the feedback."""
    columns = list(dict.fromkeys(columns))
    native = NATIVE_TEXT in columns and (known is None or (not is_json and key(NATIVE_TEXT) not in known.text))
    if native and known is None:
        mapping = guessed(columns, profile, is_json=is_json, native=True)
    elif known is not None:
        mapping = _by_format(columns, known, profile)
        mapping = replace(mapping, text=(NATIVE_TEXT,), title=(), headings=False) if native else mapping
    else:
        mapping = guessed(columns, profile, is_json=is_json, native=False)
        if not is_json and not parameters.text and lacks_header(columns):
            # the first feedback would be lost as the name of a column
            mapping = replace(mapping, text=(), title=())
    named = _Named(columns, profile)
    mapping = _without_roles(_by_parameters(mapping, parameters, named), parameters, named)
    found = _personal(columns, known, mapping, profile)
    personal = tuple(name for name in found if name not in mapping.kept)
    return replace(mapping, personal=tuple(dict.fromkeys((*personal, *named.all("omit", parameters.omit)))))


class _Named:
    """Find the columns that parameters name."""

    def __init__(self, columns: Sequence[str], profile: Profile) -> None:
        self._columns = columns
        self._profile = profile

    def __call__(self, field: str, name: str) -> str:
        columns = self._columns
        found = name if name in columns else next((other for other in columns if key(other) == key(name)), None)
        if found is None:
            raise ColumnUnknown(f"{field}: the file has no column {name!r}.", self._profile.shown(columns))
        return found

    def all(self, field: str, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(self(field, name) for name in names)


def _by_parameters(mapping: Mapping, parameters: Parameters, named: _Named) -> Mapping:
    texts = named.all("text", parameters.text)
    # a client may repeat the detected columns with each part of a file: their handling must not change
    if texts and set(texts) != set(mapping.text):
        mapping = replace(mapping, text=texts, title=(), headings=len(texts) > 1)
    if parameters.title:
        mapping = replace(mapping, title=(named("title", parameters.title),))
    ids = _chosen(named, "externalId", parameters.external_id, mapping.ids)
    source = _chosen(named, "source", parameters.source, mapping.source)
    times = _chosen(named, "postedAt", parameters.posted_at, mapping.times)
    mapping = replace(mapping, ids=ids, source=source, times=times)
    taken = {*mapping.text, *mapping.ids[:1], *mapping.source}
    return replace(mapping, title=tuple(name for name in mapping.title if name not in taken))


def _chosen(named: _Named, field: str, name: str | None, found: tuple[str, ...]) -> tuple[str, ...]:
    column = named(field, name) if name else None
    return found if column is None or column in found[:1] else (column,)


def _without_roles(mapping: Mapping, parameters: Parameters, named: _Named) -> Mapping:
    kept = named.all("metadata", parameters.metadata)
    freed = {*kept, *named.all("omit", parameters.omit)}

    def others(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in names if name not in freed)

    return replace(
        mapping,
        text=others(mapping.text),
        title=others(mapping.title),
        ids=others(mapping.ids),
        source=others(mapping.source),
        times=others(mapping.times),
        dropped=tuple(name for name in mapping.dropped if name not in kept),
        kept=kept,
    )


def _by_format(columns: Sequence[str], known: Format, profile: Profile) -> Mapping:
    by_key: dict[str, list[str]] = {}
    for name in columns:
        by_key.setdefault(key(name), []).append(name)

    def present(wanted: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for column_key in wanted for name in by_key.get(column_key, ()))

    text = present(known.text)
    if known.questions:
        text = (*text, *(name for name in _answers(columns, known, profile) if name not in text))
    title = present(known.title)
    return Mapping(
        # a list of tickets may have subjects only
        text=text or title[:1] if not known.questions else text,
        title=title if text else (),
        ids=present(known.ids),
        source=present(known.source),
        times=present(known.times),
        dropped=present(known.noise),
        order=known.order,
        # Pros and Cons of Capterra are one review: without headings they contradict each other
        headings=len(text) > 1 and (known.questions or known.name == "capterra"),
        hashed=tuple(name for name in columns if key(name) not in known.known) if known.questions else (),
    )


def _answers(columns: Sequence[str], known: Format, profile: Profile) -> list[str]:
    """List a survey's columns of written answers."""
    fixed = {*known.known, *known.ids, *known.times, *known.personal, *known.title}
    asked = [
        name
        for name in columns
        if key(name) not in fixed and not is_personal(name) and not profile.columns[name].holds_addresses
    ]
    free = [name for name in asked if _is_answer(name, known, profile)]
    return free or ([asked[0]] if len(asked) == 1 else [])


def _is_answer(name: str, known: Format, profile: Profile) -> bool:
    name_key = key(name)
    told = (name_key in vocabulary.TEXT and not profile.columns[name].is_numeric) or (
        bool(known.headings) and name_key.startswith(known.headings)
    )
    return told or profile.columns[name].is_free_text


def _personal(columns: Sequence[str], known: Format | None, mapping: Mapping, profile: Profile) -> tuple[str, ...]:
    listed = set(known.personal) if known else set()
    used = {*mapping.text, *mapping.title, *mapping.ids, *mapping.source, *mapping.times}

    def personal(name: str) -> bool:
        path = key(name).split(".")
        by_format = any(".".join(path[: size + 1]) in listed for size in range(len(path)))
        return by_format or is_personal(name) or are_addresses(profile.samples(name)) or holds_address(name)

    def holds_address(name: str) -> bool:
        # in a known export the persons' columns are known: a comment may mention an address
        return bool(profile.columns[name].addresses) and (known is None or known.questions)

    return tuple(name for name in columns if name not in used and personal(name))
