"""Secrets in what is about to be committed: known forms of keys, and literals that are named like one.

Forms are those that the providers document and that public scanners (gitleaks, GitHub's secret scanning) look for.
What is found is named by its file, line and kind, and never quoted.
"""

import math
import re
from collections import Counter
from collections.abc import Callable

from groundwork.agent.changes import Changes

PATTERNS = {
    "an AWS access key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})\b",
    "a GitLab token": r"\bgl(?:pat|ptt|dt|rt|cbt|agent)-[A-Za-z0-9_-]{20,}",
    "an Anthropic key": r"\bsk-ant-[A-Za-z0-9_-]{20,}",
    "an OpenAI key": r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}",
    "a Slack token": r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}",
    "a Slack webhook": r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9+/]{20,}",
    "a Stripe key": r"\b[rs]k_(?:live|prod)_[A-Za-z0-9]{16,}",
    "a Google API key": r"\bAIza[A-Za-z0-9_-]{35}\b",
    "a Google OAuth secret": r"\bGOCSPX-[A-Za-z0-9_-]{28}\b",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    "a SendGrid key": r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{32,}",
    "a Twilio key": r"\bSK[0-9a-f]{32}\b",
    "an Azure storage key": r"AccountKey=[A-Za-z0-9+/]{80,}={0,2}",
    "a private key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----",
    "a signed token (JWT)": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    "a password in a URL": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@'\"<>{}$]{1,64}:(?![$<{%*])[^\s/:@'\"<>{}$]{6,}@[A-Za-z0-9]",
}
_PATTERNS = {kind: re.compile(form) for kind, form in PATTERNS.items()}
_NAMED_LITERAL = re.compile(
    r"(?i)(?:api_?-?key|secret|token|passwd|password|credential|private_?-?key)[\w.-]{0,30}"
    r"[\"']?\s*(?::=|=>|=|:)\s*[\"']([A-Za-z0-9+/=_.~!@#$%^&*-]{16,200})[\"']"
)
_PLACEHOLDER = re.compile(r"(?i)example|sample|dummy|placeholder|change.?me|your|redacted|xxxx|test|fake|<|\$\{|\*\*\*")
MIN_ENTROPY = 3.6
"""Bits of entropy a character below which a literal is words rather than a key (gitleaks: 3.5)."""


def find_in_changes(changes: Changes, before: Callable[[str], bytes | None]) -> list[str]:
    """Where new lines look as if they held a secret: `config.py line 3 looks like an AWS access key`."""
    # what was there before, also in a file that has moved, is not this task's to answer for
    old = {line for path in changes for line in (before(path) or b"").splitlines()}
    return [
        f"{redact(path)} line {number} looks like {kind}"
        for path, content in sorted(changes.items())
        for number, line in enumerate((content or b"").splitlines(), 1)
        if line not in old and (kind := secret_kind(line.decode("utf-8", errors="replace")))
    ]


def find_in_names(changes: Changes, before: Callable[[str], bytes | None]) -> list[str]:
    """The same of the names of new files, which are not quoted either."""
    kinds = [secret_kind(path) for path in sorted(changes) if before(path) is None]
    return [f"the name of a new file looks like {kind}" for kind in kinds if kind]


def find_in_text(what: str, text: str) -> list[str]:
    """The same of a text that is to be kept, such as a commit's message: `the summary looks like a GitHub token`."""
    kinds = dict.fromkeys(kind for line in text.splitlines() if (kind := secret_kind(line)))
    return [f"{what} looks like {kind}" for kind in kinds]


def redact(text: str) -> str:
    """A text for people to read, such as a line of a log, with what is in it of known forms taken out."""
    for kind, form in _PATTERNS.items():
        for secret in {match[0] for match in form.finditer(text) if not _PLACEHOLDER.search(match[0])}:
            text = text.replace(secret, f"[{kind}]")
    return text


def secret_kind(line: str) -> str | None:
    """What kind of secret a line seems to hold."""
    for kind, form in _PATTERNS.items():
        match = form.search(line)
        if match and not _PLACEHOLDER.search(match[0]):
            return kind
    named = _NAMED_LITERAL.search(line)
    return "a literal password or key" if named and _is_random(named[1]) else None


def _is_random(literal: str) -> bool:
    """Words, paths and names of settings have no digits, or say what they are."""
    has_digit = any(character.isdigit() for character in literal)
    return has_digit and not _PLACEHOLDER.search(literal) and _entropy(literal) > MIN_ENTROPY


def _entropy(text: str) -> float:
    """Bits a character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
