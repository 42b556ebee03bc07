"""Mock epics, stories and subtasks: templates filled with words of the material."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.llm.mock.cards import GENERAL, theme_of
from groundwork.text import shorten

type Json = dict[str, Any]
type Group = tuple[str, list[Mapping[str, Any]]]

# theme: title of its epic, its goal, its name in stories
_EPICS = {
    "crashes and freezes": ("Stay up and running", "Fewer than one session in a thousand ends by itself.", "the app"),
    "sign-in and accounts": (
        "Sign-in that works on the first try",
        "Nine of ten sign-ins need one try.",
        "my account",
    ),
    "payments and plans": ("Clear prices and correct charges", "No charge comes as a surprise.", "what I pay"),
    "advertising": ("Advertising that does not get in the way", "Half as many complaints about ads.", "ads"),
    "speed and battery": ("Fast, and easy on the battery", "Every screen is there within two seconds.", "loading"),
    "updates": ("Updates that break nothing", "No use is lost by an update.", "an update"),
    "sound and video": ("Sound and video without interruption", "Nine of ten plays are not broken off.", "playback"),
    "messages and notifications": (
        "Messages that arrive, and only those wanted",
        "Each message arrives once and in time.",
        "messages",
    ),
    "search and content": ("Find what there is", "Eight of ten searches end in a choice.", "search"),
    "look and handling": ("Easy to see and to handle", "New users find the main uses by themselves.", "the screens"),
    "devices and sync": ("The same on every device", "What is done on one device is on all.", "my devices"),
    "levels and play": ("Play that is fair and stays interesting", "Players come back after a lost level.", "a level"),
    "orders and delivery": ("Orders that arrive as promised", "Nineteen of twenty orders come in time.", "my order"),
    "help and support": ("Help that answers", "Every question has an answer within a day.", "help"),
    GENERAL: ("A better everyday experience", "More users recommend the product than warn of it.", "the product"),
}
_PART = re.compile(r", part \d+$|, next round( \d+)?$")


def proposals(material: Mapping[str, Any]) -> list[Json]:
    """Return one epic per theme; merge the smallest or split the largest to reach the count."""
    fewest, most = material["epics_wanted"]["fewest"], material["epics_wanted"]["most"]
    groups = _themes(material["themes"])
    while len(groups) > most:
        (name, cards), (_, rest) = groups[-2], groups.pop()
        groups[-1] = (name, cards + rest)
        groups.sort(key=_size)
    while len(groups) < fewest:
        name, cards = groups.pop(0)
        half = len(cards) // 2
        groups += [(name, cards[:half]), (name, cards[half:])]
        groups.sort(key=_size)
    taken = {str(title).casefold() for title in material["existing_epics"]}
    return [_epic(_untaken(_form(name)[0], taken), name, cards) for name, cards in groups]


def _themes(themes: Sequence[Mapping[str, Any]]) -> list[Group]:
    """Return actionable cards by theme, the largest first; all cards if none is actionable."""
    acted = [(str(t["theme"]), [c for c in t["cards"] if c["kind"] not in ("praise", "other")]) for t in themes]
    groups = [group for group in acted if group[1]] or [(str(t["theme"]), list(t["cards"])) for t in themes]
    return sorted(groups, key=_size)


def _size(group: Group) -> tuple[int, str]:
    return -len(group[1]), group[0]


def _form(theme: str) -> tuple[str, str, str]:
    known = _EPICS.get(theme)
    return known or (f"Better {theme}"[:100], f"Users no longer complain about {theme}.", theme)


def _untaken(title: str, taken: set[str]) -> str:
    """Return the title, numbered if it is already taken."""
    number, free = 1, title
    while free.casefold() in taken:
        number += 1
        free = f"{title}, part {number}"
    taken.add(free.casefold())
    return free


def _epic(title: str, theme: str, cards: Sequence[Mapping[str, Any]]) -> Json:
    kinds = Counter(str(card["kind"]) for card in cards)
    shares = ", ".join(f"{count} of kind {kind}" for kind, count in kinds.most_common())
    quotes = "; ".join(f'"{shorten(str(card["summary"]), 90)}"' for card in _most_severe(cards)[:3])
    return {
        "title": title,
        "description": f"{len(cards)} cards are about {theme} ({shares}). Among the most severe: {quotes}.",
        "goal": _form(theme)[1],
        "priority": _priority([str(card["severity"]) for card in cards]),
        "cards": [card["ref"] for card in cards],
    }


def _most_severe(cards: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    order = ("critical", "high", "medium", "low")
    return sorted(cards, key=lambda card: order.index(card.get("severity", "low")))


def _priority(severities: Sequence[str]) -> str:
    severe = sum(s in ("critical", "high") for s in severities)
    if severities.count("critical") * 5 >= len(severities):
        return "critical"
    return "high" if severe * 4 >= len(severities) else "medium" if severe or len(severities) > 10 else "low"


def merged(material: Mapping[str, Any]) -> list[Json]:
    """Merge drafts with equal titles, then the smallest ones until few enough remain."""
    fewest, most = material["epics_wanted"]["fewest"], material["epics_wanted"]["most"]
    by_title: dict[str, list[Mapping[str, Any]]] = {}
    for draft in material["drafts"]:
        by_title.setdefault(_PART.sub("", str(draft["title"])), []).append(draft)
    groups = sorted(by_title.items(), key=lambda group: -_cards(group[1]))
    while len(groups) > most:
        (name, drafts), (_, rest) = groups[-2], groups.pop()
        groups[-1] = (name, drafts + rest)
    while len(groups) < fewest:
        name, drafts = next(group for group in groups if len(group[1]) > 1)
        groups.append((name, [drafts.pop()]))
    taken: set[str] = set()
    return [_merged_epic(_untaken(name, taken), drafts) for name, drafts in groups]


def _cards(drafts: Sequence[Mapping[str, Any]]) -> int:
    return sum(int(draft["cards"]) for draft in drafts)


def _merged_epic(title: str, drafts: Sequence[Mapping[str, Any]]) -> Json:
    largest = max(drafts, key=lambda draft: int(draft["cards"]))
    joined = f" {len(drafts)} drafts with {_cards(drafts)} cards say so." if len(drafts) > 1 else ""
    return {
        "title": title,
        "description": f"{largest['description']}{joined}",
        "goal": largest["goal"],
        "priority": largest["priority"],
        "drafts": [draft["ref"] for draft in drafts],
    }


_ROLES = ("regular user", "new user", "paying user", "user with a slow phone", "user with several devices")
# want, benefit, and the when and then of its criterion; {0} is the epic's subject
_STORIES = (
    (
        "see what went wrong with {0} and what I can do",
        "I need not guess",
        "it fails",
        "I read the reason and a way on",
    ),
    ("use {0} without it breaking off", "I finish what I began", "I use it for an hour", "it has not broken off once"),
    ("undo a mistake with {0}", "I dare to try things", "I choose undo within a minute", "all is as it was before"),
    ("go on where I stopped with {0}", "I do not start over", "I come back a day later", "I am where I left off"),
    (
        "set how {0} behaves",
        "it fits the way I work",
        "I change the setting",
        "it behaves so at once and after a restart",
    ),
    ("reach {0} in two steps", "I save time every day", "I start from the first screen", "I am there after two taps"),
    ("be told before {0} costs me anything", "I keep control", "a cost would arise", "I see the amount and can refuse"),
    ("have {0} the same on all my devices", "I can switch at any time", "I switch devices", "I find the same state"),
    (
        "use {0} with a weak connection",
        "I depend on no network",
        "the connection drops",
        "I lose nothing and go on later",
    ),
    ("use {0} with a screen reader", "I can take part", "I move by keyboard alone", "each step is read out"),
    (
        "learn what has changed about {0}",
        "no update surprises me",
        "I open it after an update",
        "I see what is new once",
    ),
    ("report a problem with {0} where it happens", "it gets fixed", "I choose report", "the details are filled in"),
)


def stories(material: Mapping[str, Any]) -> list[Json]:
    epic, cards = material["epic"], list(material["cards"])
    title = str(epic["title"])
    count = _count(material["stories_wanted"], title)
    about = _form(theme_of(f"{title} {epic['description']}"))[2]
    if not any(_PART.sub("", title) == form[0] for form in _EPICS.values()):
        about = shorten(title, 60).lower()
    start = _number(title) % len(_STORIES)
    # with fewer cards than stories, some cards support several stories
    shares = [cards[n::count] or cards[n % len(cards) :][:1] if cards else [] for n in range(count)]
    return [_story(_STORIES[(start + n) % len(_STORIES)], about, start + n, share) for n, share in enumerate(shares)]


def _story(form: tuple[str, str, str, str], about: str, number: int, cards: Sequence[Mapping[str, Any]]) -> Json:
    want, benefit, when, then = (part.format(about) for part in form)
    criteria = [f"Given I use {about}, when {when}, then {then}."]
    criteria += [
        f"Given the case {_quoted(c)}, when I do the same, then it does not occur."
        for c in _most_severe(cards)[:2]
        if c.get("kind") == "bug"
    ]
    criteria += [
        f"Given the wish {_quoted(c)}, when I look for it, then I find it."
        for c in cards[:2]
        if c.get("kind") == "feature"
    ]
    return {
        "title": want[0].upper() + want[1:],
        "role": _ROLES[number % len(_ROLES)],
        "want": f"to {want}",
        "benefit": benefit,
        "acceptance_criteria": criteria[:6],
        "priority": _priority([str(card.get("severity", "low")) for card in cards] or ["low"]),
        "effort": ("S", "M", "L", "M", "XL", "S")[number % 6],
        "cards": [card["ref"] for card in cards],
    }


def _quoted(card: Mapping[str, Any]) -> str:
    return '"' + shorten(str(card.get("summary") or card.get("text", "")), 100) + '"'


# title, description and effort; {0} is the story's want, {1} one of its criteria
_SUBTASKS = (
    ("Reproduce the present behaviour", "Collect the cases from the feedback and write down the steps to {0}.", "S"),
    ("Agree on the wanted behaviour", "Go through it with design and support. In question: {1}", "XS"),
    ("Decide what has to be kept", "Say what must be stored to {0}, for how long, and who may see it.", "S"),
    ("Carry over what exists", "Bring present users' data into the new form, with a way back.", "M"),
    ("Build the rules", "Make it possible to {0}, with a clear error for each way it can fail.", "M"),
    ("Build the screens", "Show it with its empty, loading and error states. Done when: {1}", "L"),
    ("Handle a lost connection", "Keep what was entered and go on later. The hard part is a change made twice.", "M"),
    ("Test each acceptance criterion", "One automatic test for each, among them: {1}", "M"),
    (
        "Check with keyboard and screen reader",
        "Go through every step without a mouse and fix what is not read out.",
        "S",
    ),
    ("Compare speed with the release before", "Measure on an old device; done when nothing is slower.", "S"),
    ("Count how often it is used and fails", "Record both without recording what users enter.", "XS"),
    ("Tell users and support", "Add it to the help pages and the release notes, with pictures.", "S"),
)


def subtasks(material: Mapping[str, Any]) -> list[Json]:
    """Return `count` templates, spread evenly, so that not all of them are planning."""
    story = material["story"]
    count = _count(material["subtasks_wanted"], str(story["title"]))
    want = str(story["want"] or story["title"]).removeprefix("to ")
    criteria = list(story["acceptance_criteria"]) or [str(story["title"])]
    chosen = [_SUBTASKS[n * len(_SUBTASKS) // count] for n in range(count)]
    return [_subtask(form, want, str(criteria[n % len(criteria)])) for n, form in enumerate(chosen)]


def _subtask(form: tuple[str, str, str], want: str, criterion: str) -> Json:
    title, description, effort = form
    filled = description.format(shorten(want, 200), shorten(criterion, 300))
    return {"title": title, "description": filled, "effort": effort}


def _count(wanted: Mapping[str, int], text: str) -> int:
    return wanted["fewest"] + _number(text) % (wanted["most"] - wanted["fewest"] + 1)


def _number(text: str) -> int:
    # not hash(): its values differ from process to process
    return int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:4])
