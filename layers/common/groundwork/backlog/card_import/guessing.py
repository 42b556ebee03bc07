"""Guess the roles of columns in an unrecognised table, by their names and cells."""

from collections.abc import Callable, Collection, Iterable, Sequence

from groundwork.backlog.card_import import names, vocabulary
from groundwork.backlog.card_import.layout import Mapping
from groundwork.backlog.card_import.names import is_question, key, last, without_brackets
from groundwork.backlog.card_import.personal import is_personal
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


def guessed(columns: Sequence[str], profile: Profile, *, is_json: bool, native: bool) -> Mapping:
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
    others = [name for name in vocabulary.TEXT if name not in vocabulary.REPLIES or by_key.get(name) in named]
    written = _first(others, by_key, lambda name: fits(name) and profile.columns[name].holds_sentences)
    open_columns = [name for name in columns if fits(name) and not profile.columns[name].holds_addresses]
    free = [name for name in open_columns if profile.columns[name].is_free_text and not _is_own(name)]
    # a column `Feedback` may hold `Positive` and `Negative` beside the written answers
    return (
        written
        or tuple(name for name in free if is_question(name))
        or _ending(free, vocabulary.TEXT_ENDINGS)
        or named
        or _ending(open_columns, vocabulary.TEXT_ENDINGS)
    )


def _is_own(name: str) -> bool:
    """Return True for words of the company to its customer: `Agent notes`."""
    return bool(vocabulary.OWN_WORDS & set(names.words(name))) and not is_question(name)


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
    """Recognise the title of Notion and Airtable: a first column `Name` without persons."""
    name = columns[0]
    column = profile.columns[name]
    is_title = key(name) == _NAME and column.filled and not column.holds_person_names and not column.addresses
    return (name,) if is_title else ()


def _started(columns: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """Recognise `Created Time (Ticket)` as a time."""
    begun = [name for name in columns if names.words(name)[:1] and names.words(name)[0] in vocabulary.TIME_STARTS]
    return tuple(name for name in begun if profile.columns[name].is_time)[:1]


def _guessed_ids(by_key: dict[str, str], profile: Profile, taken: set[str]) -> tuple[str, ...]:
    """Return an id or link column with hardly any repeated value.

    Any other refers to something else.
    """

    def fits(name: str) -> bool:
        return name not in taken and profile.columns[name].identifies and not is_personal(name)

    return (*_first(vocabulary.EXTERNAL_ID, by_key, fits), *_first(vocabulary.LINK, by_key, fits))
