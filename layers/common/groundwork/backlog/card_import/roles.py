"""Give each column its role: by parameter, by known format, or by its name."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from groundwork.backlog.card_import import names, vocabulary
from groundwork.backlog.card_import.errors import ColumnUnknown
from groundwork.backlog.card_import.export_format import Format
from groundwork.backlog.card_import.formats import recognise
from groundwork.backlog.card_import.headers import lacks_header
from groundwork.backlog.card_import.layout import Mapping
from groundwork.backlog.card_import.names import is_question, key, last, without_brackets
from groundwork.backlog.card_import.parameters import Parameters
from groundwork.backlog.card_import.personal import are_addresses, is_personal
from groundwork.backlog.card_import.profile import Profile

_NAME = "name"
NATIVE_TEXT, NATIVE_ID, NATIVE_SOURCE, NATIVE_TIME = "text", "externalId", "source", "postedAt"
_PAIRS = tuple(
    (key(first), key(second))
    for first, second in (
        ("pros", "cons"),
        ("likes", "dislikes"),
        ("positive", "negative"),
        ("strengths", "weaknesses"),
        ("vorteile", "nachteile"),
        ("avantages", "inconvénients"),
        ("ventajas", "desventajas"),
    )
)


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
        mapping = _guessed(columns, profile, is_json=is_json, native=True)
    elif known is not None:
        mapping = _by_format(columns, known, profile)
        mapping = replace(mapping, text=(NATIVE_TEXT,), title=(), headings=False) if native else mapping
    else:
        mapping = _guessed(columns, profile, is_json=is_json, native=False)
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


def _guessed(columns: Sequence[str], profile: Profile, *, is_json: bool, native: bool) -> Mapping:
    by_key = _keyed(columns, is_json=is_json)
    text = (NATIVE_TEXT,) if native else _guessed_text(columns, by_key, profile)
    titles = () if native else _guessed_title(columns, by_key, text, profile)
    if not text:
        # `Title` alone may be a job title or a book
        text, titles = tuple(name for name in titles if profile.columns[name].is_free_text), ()
    ids = _guessed_ids(by_key, profile, {*text, *titles})
    if native and NATIVE_ID in columns:
        ids = (NATIVE_ID,)
    source = _first(vocabulary.SOURCE, by_key, lambda name: name not in text)
    if native:
        source = (NATIVE_SOURCE,) if NATIVE_SOURCE in columns else ()
    taken = {*text, *titles, *ids, *source}
    times = _first(
        (*vocabulary.EPOCH_TIME, *vocabulary.TIME),
        {key(without_brackets(name)): name for name in reversed(columns)} | by_key,
        lambda name: name not in taken and profile.columns[name].is_time,
    ) or _started([name for name in columns if name not in taken], profile)
    return Mapping(
        text,
        titles,
        ids,
        source,
        times,
        headings=len(text) > 1,
        native=native,
        hashed=() if native else _questions(columns, by_key),
    )


def _questions(columns: Sequence[str], by_key: dict[str, str]) -> tuple[str, ...]:
    """List the questions of a survey. Names alone decide: the answers change with each export."""
    named = any(name in by_key for name in vocabulary.TEXT)
    return () if named else tuple(name for name in columns if is_question(name))


def _guessed_title(
    columns: Sequence[str], by_key: dict[str, str], text: tuple[str, ...], profile: Profile
) -> tuple[str, ...]:
    others = [name for name in columns if name not in text and not is_personal(name)]
    exact = _first(vocabulary.TITLE, by_key, lambda name: name in others)
    titled = [name for name in others if names.words(name)[:1] and names.words(name)[0] not in vocabulary.OTHER_TITLES]
    return exact or _ending(titled, vocabulary.TITLE_ENDINGS) or _named_things(others) or _named_first(columns, profile)


def _keyed(columns: Sequence[str], *, is_json: bool) -> dict[str, str]:
    """Index columns by name; in JSON also by the last part of a path, if it is unique."""
    by_key: dict[str, str] = {}
    for name in columns:
        by_key.setdefault(key(name), name)
    if is_json:
        for name in columns:
            by_key.setdefault(last(key(name)), name)
    return by_key


def _first(wanted: Iterable[str], by_key: dict[str, str], fits: Callable[[str], bool]) -> tuple[str, ...]:
    return next(((by_key[name],) for name in wanted if name in by_key and fits(by_key[name])), ())


def _guessed_text(columns: Sequence[str], by_key: dict[str, str], profile: Profile) -> tuple[str, ...]:
    for first, second in _PAIRS:
        if first in by_key and second in by_key:
            whole = _first(vocabulary.TEXT, by_key, lambda name: profile.columns[name].is_free_text)
            return tuple(dict.fromkeys((*whole, by_key[first], by_key[second])))

    def fits(name: str) -> bool:
        column = profile.columns[name]
        return bool(column.filled) and not column.is_numeric and not is_personal(name)

    # a text column may be empty in all profiled records
    named = _first(vocabulary.TEXT, by_key, fits) or _first(vocabulary.TEXT, by_key, lambda name: not is_personal(name))
    written = _first(vocabulary.TEXT, by_key, lambda name: fits(name) and profile.columns[name].holds_sentences)
    open_columns = [name for name in columns if fits(name) and not profile.columns[name].holds_addresses]
    free = [name for name in open_columns if profile.columns[name].is_free_text]
    # a column `Feedback` may hold `Positive` and `Negative` beside the written answers
    return (
        written
        or tuple(name for name in free if is_question(name))
        or _ending(free, vocabulary.TEXT_ENDINGS)
        or named
        or _ending(open_columns, vocabulary.TEXT_ENDINGS)
    )


def _ending(columns: Sequence[str], endings: Collection[str]) -> tuple[str, ...]:
    """Return the first column whose name, without brackets, ends in one of the words."""
    for name in columns:
        parts = names.words(without_brackets(name))
        if parts and parts[-1] in endings:
            return (name,)
    return ()


def _named_things(columns: Sequence[str]) -> tuple[str, ...]:
    """Recognise `Ticket name` as a title."""
    return tuple(
        name for name in columns if names.words(name)[-1:] == ["name"] and names.words(name)[0] in vocabulary.THREADS
    )[:1]


def _named_first(columns: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """Recognise the title of Notion and Airtable: a first column `Name` without names of persons."""
    name = columns[0]
    column = profile.columns[name]
    is_title = key(name) == _NAME and column.filled and not column.holds_person_names and not column.addresses
    return (name,) if is_title else ()


def _started(columns: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """Recognise `Created Time (Ticket)` as a time."""
    begun = [name for name in columns if names.words(name)[:1] and names.words(name)[0] in vocabulary.TIME_STARTS]
    return tuple(name for name in begun if profile.columns[name].is_time)[:1]


def _guessed_ids(by_key: dict[str, str], profile: Profile, taken: set[str]) -> tuple[str, ...]:
    """Return an id or link column with hardly any repeated value; any other refers to something else."""

    def fits(name: str) -> bool:
        return name not in taken and profile.columns[name].identifies and not is_personal(name)

    return (*_first(vocabulary.EXTERNAL_ID, by_key, fits), *_first(vocabulary.LINK, by_key, fits))


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
