"""A model that needs no key: it answers from the material alone, always the same to the same, after a delay.

It stands in where there is no model: to try the system, to test it, to show it. It reads words, not meaning, and every
run that uses it says so.
"""

import asyncio
import hashlib
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from groundwork.ai.port import Question, Reply, Stop, Task, Usage

type Json = dict[str, Any]

_WORD = re.compile(r"[^\W\d_]{3,}")
_STOPWORDS = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "this",
        "that",
        "have",
        "has",
        "was",
        "were",
        "are",
        "not",
        "but",
        "you",
        "your",
        "from",
        "they",
        "them",
        "very",
        "just",
        "when",
        "what",
        "can",
        "all",
        "its",
        "it's",
        "our",
        "out",
        "get",
        "got",
        "too",
        "one",
        "too",
        "than",
        "then",
        "there",
        "their",
        "would",
        "could",
        "should",
        "will",
        "been",
        "also",
        "into",
        "over",
        "more",
        "app",
        "apps",
        "application",
        "please",
        "really",
        "like",
        "good",
        "great",
        "nice",
        "best",
        "love",
        "bad",
        "worst",
        "don't",
        "doesn't",
        "didn't",
        "can't",
        "cant",
        "dont",
        "only",
        "even",
        "still",
        "after",
        "before",
        "because",
        "about",
        "some",
        "any",
        "how",
        "why",
        "who",
        "which",
        "use",
        "using",
        "used",
    ]
)
_THEMES: dict[str, tuple[str, ...]] = {
    "Crashes and freezes": ("crash", "freez", "frozen", "hang", "stuck", "close", "closes", "stops", "black screen"),
    "Sign-in and accounts": ("login", "log in", "sign", "account", "password", "otp", "verif", "register"),
    "Payments and plans": ("pay", "price", "money", "subscri", "refund", "charge", "premium", "bill", "expens", "cost"),
    "Advertising": ("ads", "advert", "commercial"),
    "Speed and battery": ("slow", "lag", "loading", "battery", "buffer", "fast", "speed", "performance"),
    "Updates": ("update", "version", "upgrade", "latest"),
    "Sound and video": ("video", "sound", "audio", "music", "song", "movie", "camera", "stream", "play"),
    "Messages and notifications": ("message", "notif", "chat", "call", "email", "mail", "alert"),
    "Search and content": ("search", "find", "content", "result", "list", "filter", "download"),
    "Look and handling": ("design", "interface", "button", "screen", "theme", "dark", "font", "layout", "menu", "ui"),
    "Devices and sync": ("phone", "tablet", "device", "sync", "android", "iphone", "tv", "desktop", "offline"),
    "Help and support": ("support", "help", "service", "contact", "respon", "answer"),
}
_BUG = (
    "crash",
    "bug",
    "error",
    "fix",
    "not work",
    "doesn't work",
    "won't",
    "broken",
    "fail",
    "freez",
    "stuck",
    "can't",
)
_WISH = ("please add", "add ", "wish", "would be", "should", "need", "want", "feature", "option", "could you", "allow")
_GOOD = ("love", "great", "good", "best", "excellent", "awesome", "nice", "amazing", "perfect", "thank")
_BAD = ("bad", "worst", "hate", "terrible", "awful", "useless", "waste", "annoy", "horrible", "disappoint", "poor")
_URGENT = ("lost", "money", "crash", "urgent", "immediately", "security", "hack", "charged", "delete")


class MockModel:
    name = "mock"

    def __init__(
        self, model_id: str, latency_ms: int = 800, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self.model_id, self._latency_s, self._sleep = model_id, latency_ms / 1000, sleep

    async def reply(self, question: Question) -> Reply:
        await self._sleep(self._latency_s)
        text = json.dumps(answer(question), ensure_ascii=False)
        asked = len(question.instructions) + len(json.dumps(question.material, ensure_ascii=False))
        # about four characters a token, as providers say of English
        usage = Usage(input=asked // 4 + 1, output=len(text) // 4 + 1, calls=1)
        return Reply(text, Stop.END, usage, self.model_id)

    async def close(self) -> None:
        return None


def answer(question: Question) -> Json:
    """An answer in the shape of `question.answer`, made from its material."""
    material = question.material
    match question.task:
        case Task.ANALYZE_CARDS:
            return {"cards": [_analysis(card) for card in material["cards"]]}
        case Task.PROPOSE_EPICS:
            return {"epics": _proposals(material)}
        case Task.MERGE_EPICS:
            return {"epics": _merged(material)}
        case Task.WRITE_STORIES:
            return {"stories": _stories(material)}
        case Task.WRITE_SUBTASKS:
            return {"subtasks": _subtasks(material)}


# cards


def _analysis(card: Mapping[str, Any]) -> Json:
    text = str(card["text"])
    low = text.lower()
    words = _keywords(low)
    kind = _kind(low)
    return {
        "ref": card["ref"],
        "summary": _summary(text),
        "theme": _theme(low),
        "kind": kind,
        "severity": _severity(low, kind),
        "sentiment": _sentiment(low),
        "keywords": words[:5],
    }


def _summary(text: str) -> str:
    line = " ".join(text.split()) or "(no words)"
    first = re.split(r"(?<=[.!?])\s", line)[0]
    return first if len(first) <= 140 else first[:139].rstrip() + "…"


def _theme(low: str) -> str:
    scores = {theme: sum(low.count(sign) for sign in signs) for theme, signs in _THEMES.items()}
    best = max(scores, key=lambda theme: scores[theme])
    return best if scores[best] else "General impression"


def _kind(low: str) -> str:
    for kind, signs in (("bug", _BUG), ("feature", _WISH), ("praise", _GOOD), ("experience", _BAD)):
        if _has(low, signs):
            return kind
    return "experience" if len(low.split()) > 3 else "other"


def _severity(low: str, kind: str) -> str:
    if kind in ("praise", "other"):
        return "low"
    if _has(low, _URGENT):
        return "critical" if _has(low, ("security", "hack", "lost")) else "high"
    return "medium" if kind == "bug" or _has(low, _BAD) else "low"


def _sentiment(low: str) -> str:
    good, bad = _has(low, _GOOD), _has(low, _BAD) or _has(low, _BUG)
    if good and bad:
        return "mixed"
    return "positive" if good else "negative" if bad else "neutral"


def _has(low: str, signs: Sequence[str]) -> bool:
    return any(sign in low for sign in signs)


def _keywords(low: str) -> list[str]:
    counted = Counter(word for word in _WORD.findall(low) if word not in _STOPWORDS)
    return [word[:40] for word, _ in counted.most_common(6)]


# epics


def _proposals(material: Mapping[str, Any]) -> list[Json]:
    """One epic a theme, small themes joined, until the number is one that was asked for."""
    fewest, most = material["epics_wanted"]["fewest"], material["epics_wanted"]["most"]
    groups = [(str(theme["theme"]), list(theme["cards"])) for theme in material["themes"]]
    groups.sort(key=lambda group: -len(group[1]))
    while len(groups) > most:
        (name, cards), (other, more) = groups[-2], groups.pop()
        groups[-1] = (name if name == other else f"{name} and more", cards + more)
        groups.sort(key=lambda group: -len(group[1]))
    while len(groups) < fewest:
        name, cards = max(groups, key=lambda group: len(group[1]))
        groups.remove((name, cards))
        half = len(cards) // 2
        groups += [(name, cards[:half]), (f"{name}, part {len(groups) + 2}", cards[half:])]
    taken: set[str] = {str(title).lower() for title in material.get("existing_epics", ())}
    return [_epic(_untaken(name, taken), cards) for name, cards in groups]


def _untaken(name: str, taken: set[str]) -> str:
    title, number = f"Improve: {name}", 2
    while title.lower() in taken:
        title, number = f"Improve: {name} ({number})", number + 1
    taken.add(title.lower())
    return title


def _epic(title: str, cards: Sequence[Mapping[str, Any]]) -> Json:
    severe = sum(card.get("severity") in ("high", "critical") for card in cards)
    summaries = "; ".join(str(card.get("summary", ""))[:80] for card in cards[:3])
    return {
        "title": title,
        "description": f"{len(cards)} pieces of feedback point here, such as: {summaries}",
        "goal": f"Users no longer have reason to write about {title.removeprefix('Improve: ').lower()}.",
        "priority": "critical" if severe * 3 > len(cards) else "high" if severe else "medium",
        "cards": [card["ref"] for card in cards],
    }


def _merged(material: Mapping[str, Any]) -> list[Json]:
    fewest, most = material["epics_wanted"]["fewest"], material["epics_wanted"]["most"]
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for draft in material["drafts"]:
        name = re.sub(r", part \d+| \(\d+\)| and more", "", str(draft["title"]))
        groups.setdefault(name, []).append(draft)
    merged = sorted(groups.items(), key=lambda group: -len(group[1]))
    while len(merged) > most:
        merged[-2][1].extend(merged.pop()[1])
    while len(merged) < fewest and any(len(drafts) > 1 for _, drafts in merged):
        name, drafts = max(merged, key=lambda group: len(group[1]))
        merged.append((f"{name}, part {len(merged) + 1}", [drafts.pop()]))
    return [
        {
            "title": name,
            "description": str(drafts[0].get("description", "")) or name,
            "goal": str(drafts[0].get("goal", "")) or name,
            "priority": drafts[0].get("priority", "medium"),
            "drafts": [draft["ref"] for draft in drafts],
        }
        for name, drafts in merged
    ]


# stories and subtasks


_ROLES = ("regular user", "new user", "paying user", "user on a slow phone", "user with many devices", "support agent")
_WANTS = (
    "see at once that something went wrong and why",
    "do it in fewer steps",
    "undo what I did by mistake",
    "find it without searching",
    "keep my work when the connection drops",
    "choose how it behaves",
    "do it with the keyboard and a screen reader",
    "see that it is done",
    "be told before it costs me anything",
    "get the same result on every device",
    "try it without an account",
    "learn what has changed",
)
_STEPS = (
    ("Reproduce and describe the present behaviour", "Collect the cases from the feedback and write them down.", "S"),
    ("Agree on the wanted behaviour", "Go through the acceptance criteria with design and support.", "XS"),
    ("Change the data model", "Add what has to be kept, with a migration that can be undone.", "M"),
    ("Build it in the service", "Add the rules to the domain, with clear errors.", "M"),
    ("Build it in the interface", "Add the screens, with their empty, loading and error states.", "L"),
    ("Write the automatic tests", "Cover each acceptance criterion and each error.", "M"),
    ("Measure it", "Count how often it is used and how often it fails.", "S"),
    ("Document it", "Add it to the help pages and the release notes.", "S"),
    ("Try it with five users", "Watch them use it and note where they stop.", "M"),
    ("Roll it out step by step", "Behind a switch, first to a few, with a way back.", "S"),
    ("Check accessibility", "Keyboard, contrast, and what a screen reader says.", "S"),
    ("Check speed on old devices", "Compare with the release before.", "S"),
)


def _stories(material: Mapping[str, Any]) -> list[Json]:
    epic, cards = material["epic"], list(material["cards"])
    count = _count(material["stories_wanted"], str(epic["title"]))
    topic = str(epic["title"]).removeprefix("Improve: ")
    start = _number(topic)
    return [_story(topic, (start + n) % len(_WANTS), n, _dealt(cards, n, count)) for n in range(count)]


def _dealt(cards: Sequence[Mapping[str, Any]], position: int, count: int) -> Sequence[Mapping[str, Any]]:
    """Every story rests on a card, also where there are fewer cards than stories."""
    return cards[position::count] or cards[position % len(cards) :][:1] if cards else ()


def _story(topic: str, want: int, position: int, cards: Sequence[Mapping[str, Any]]) -> Json:
    wish = _WANTS[want]
    given = f"Given I use the part about {topic.lower()}, when "
    return {
        "title": f"{topic}: {wish}"[:200],
        "role": _ROLES[(want + position) % len(_ROLES)],
        "want": wish,
        "benefit": "I get done what I came for",
        "acceptance_criteria": [
            f"{given}I need to {wish}, then I can do so from where I am.",
            f"{given}something fails, then I am told what happened and what I can do.",
        ],
        "priority": ("high", "medium", "medium", "low")[position % 4],
        "effort": ("S", "M", "L", "M", "XL")[(want + position) % 5],
        "cards": [card["ref"] for card in cards[:20]],
    }


def _subtasks(material: Mapping[str, Any]) -> list[Json]:
    story = material["story"]
    count = _count(material["subtasks_wanted"], str(story["title"]))
    return [
        {"title": title, "description": f"{text} Story: {story['title']}"[:400], "effort": effort}
        for title, text, effort in _STEPS[:count]
    ]


def _count(wanted: Mapping[str, int], text: str) -> int:
    return wanted["fewest"] + _number(text) % (wanted["most"] - wanted["fewest"] + 1)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])
