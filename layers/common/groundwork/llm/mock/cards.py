"""How the mock reads a card: by the words in it."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from groundwork.text import one_line, shorten

GENERAL = "general impression"


def _words(text: str) -> re.Pattern[str]:
    """Return a pattern for any of the words.

    A final hyphen allows a suffix; `_` stands for a space.
    """
    parts = [re.escape(w.rstrip("-")).replace("_", r"\s+") + ("" if w.endswith("-") else r"\b") for w in text.split()]
    return re.compile(rf"\b(?:{'|'.join(parts)})", re.IGNORECASE)


THEMES = {
    "crashes and freezes": _words(
        "crash- freez- froze- hang hangs hung stuck black_screen white_screen force_clos- clos-_itself shuts_down "
        "won't_open not_open doesn't_open stops_working kicks_me"
    ),
    "sign-in and accounts": _words(
        "login log_in logged logging sign_in sign_up signed signup account accounts password- otp verif- register- "
        "username locked_out"
    ),
    "payments and plans": _words(
        "pay pays paid paying payment- price- pricing money subscri- refund- charge charged charges premium bill "
        "billed billing expensive cost costs purchase- buy free_version coins dollar-"
    ),
    "advertising": _words("ad ads advert- commercial commercials pop_up pop_ups popup popups"),
    "speed and battery": _words("slow- lag lags laggy lagging loading battery buffer- speed performance drain- fast"),
    "updates": _words("update updated updates updating version versions upgrade- latest previous_version old_one"),
    "sound and video": _words("video- sound- audio music song- movie- film- camera stream- episode- playlist- volume"),
    "messages and notifications": _words(
        "message- notif- chat- call calls calling email- mail alert- text texts texting sms spam"
    ),
    "search and content": _words("search- find content result- filter- download- library article- news catalog-"),
    "look and handling": _words(
        "design- interface button- screen theme themes dark font- layout menu- ui icon- scroll- color- colour- "
        "keyboard easy_to_use user_friendly confusing"
    ),
    "devices and sync": _words(
        "tablet- device- sync- android iphone- ipad tv desktop offline chromecast bluetooth wifi wi-fi backup- sd_card"
    ),
    "levels and play": _words("game- level- play plays playing player- score- puzzle- win winning"),
    "orders and delivery": _words("order- deliver- shipping driver- ride rides trip- booking booked restaurant-"),
    "help and support": _words("support customer_service customer_care respon- contact- staff help"),
}
_BUG = _words(
    "crash- bug bugs buggy error- broke broken fail- freez- froze- stuck glitch- issue- problem- cannot can't cant "
    "won't wont not_work- doesn't_work- doesnt_work- isn't_work- stopped_work- not_open- not_load- not_play- not_show- "
    "not_respond- unable no_longer lost hang hangs disappear- fix no_funciona funktioniert_nicht"
)
_WISH = _words(
    "please_add please_make pls_add plz_add add adding wish would_be would_like would_love should could_you needs_to "
    "need_a need_an need_more want feature features option options allow- suggest- bring_back if_only hope_you "
    "it_could be_able_to ability_to request-"
)
_GOOD = _words(
    "love loves loved great good best excellent awesome nice amazing perfect- thank thanks wonderful fantastic useful "
    "helpful cool super enjoy- fun easy brilliant bueno buena excelente bagus mantap gut toll ótimo merci"
)
_BAD = _words(
    "bad worst hate- terrible awful useless waste wasted annoy- horrible disappoint- poor- rubbish crap trash garbage "
    "sucks suck stupid ridiculous unusable frustrat- boring uninstall- scam malo mala schlecht"
)
_NEGATED = re.compile(r"\b(?:not|\w+n't|isnt|never|no)\s+(?:very\s+|so\s+|that\s+)?$", re.IGNORECASE)
_CHEER = re.compile("[👍❤😍🥰😊😁😀👏🎉🔥💯😘]")
_LOSS = _words("hack- stolen scam fraud charged_me refund lost_all lost_my deleted_my security privacy stole")
_LEAVING = _words("uninstall- crash- can't_use cannot_use unusable can't_log can't_open won't_open useless waste worst")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_COMMON = _words(
    "the and for with this that have has had was were are not but you your from they them very just when what can "
    "all its our out get got too one than then there their would could should will been also into over more app "
    "apps application please really like good great nice best love bad worst don't doesn't didn't can't cant dont "
    "only even still after before because about some any how why who which use using used every other much many "
    "time now make want need does did she his her him it's i'm i've way thing things lot ever never always again "
    "don doesn didn won isn"
)


def analysis(card: Mapping[str, Any]) -> dict[str, Any]:
    text = one_line(str(card["text"]))
    kind = _kind(text)
    return {
        "ref": card["ref"],
        "summary": _summary(text),
        "theme": theme_of(text),
        "kind": kind,
        "severity": _severity(text, kind),
        "sentiment": _sentiment(text),
        "keywords": _keywords(text),
    }


def theme_of(text: str) -> str:
    """The theme with the most words in the text; the first of equals."""
    scores = {theme: len(words.findall(text)) for theme, words in THEMES.items()}
    best = max(scores, key=lambda theme: scores[theme])
    return best if scores[best] else GENERAL


def _kind(text: str) -> str:
    if not _WORD.search(text):
        return "praise" if _CHEER.search(text) else "other"
    # the bug before the wish, as the instructions to a model order them
    if _BUG.search(text):
        return "bug"
    if _WISH.search(text):
        return "feature"
    if _praised(text) and not _BAD.search(text):
        return "praise"
    return "experience" if _BAD.search(text) or len(text.split()) > 3 else "other"


def _praised(text: str) -> bool:
    """Return True for a positive word without a "not" before it."""
    found = any(not _NEGATED.search(text[: match.start()]) for match in _GOOD.finditer(text))
    return found or bool(_CHEER.search(text))


def _severity(text: str, kind: str) -> str:
    if kind in ("praise", "other"):
        return "low"
    if _LOSS.search(text):
        return "critical"
    if _LEAVING.search(text):
        return "high"
    return "medium" if kind == "bug" or _BAD.search(text) or len(text) > 200 else "low"


def _sentiment(text: str) -> str:
    good, bad = _praised(text), bool(_BAD.search(text) or _BUG.search(text))
    if good and bad:
        return "mixed"
    return "positive" if good else "negative" if bad else "neutral"


def _summary(text: str) -> str:
    """Return the most informative sentence, unchanged."""
    if not re.search(r"\w", text):
        return "Approval without words." if _CHEER.search(text) else "A card without words."
    sentences = [part for part in _SENTENCE.split(text) if re.search(r"\w", part)]
    said = max(sentences, key=lambda part: 2 * len(_BUG.findall(part)) + 2 * len(_WISH.findall(part)) + _themed(part))
    return shorten(said[0].upper() + said[1:], 160)


def _themed(text: str) -> int:
    return sum(bool(words.search(text)) for words in THEMES.values())


def _keywords(text: str) -> list[str]:
    counted = Counter(word for word in _WORD.findall(text.lower()) if not _COMMON.fullmatch(word))
    return [word[:40] for word, _ in counted.most_common(5)]
