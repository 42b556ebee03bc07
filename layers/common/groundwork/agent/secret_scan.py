"""Scan for secrets in changes: known key formats, and literals named like a secret.

The formats are those documented by providers and used by public scanners (gitleaks, GitHub secret scanning). Findings
name file, line and kind, and never quote the secret.
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
# quoted literals only: without quotes, names and expressions would match too
_NAMED_LITERAL = re.compile(
    r"(?i)(?:api_?-?key|secret|token|passwd|password|credential|private_?-?key)[\w.-]{0,30}"
    r"[\"']?\s*(?::=|=>|=|:)\s*[\"']([A-Za-z0-9+/=_.~!@#$%^&*-]{16,200})[\"']"
)
# documentation and tests hold made-up keys, and a false alarm can fail an attempt
_PLACEHOLDER = re.compile(r"(?i)example|sample|dummy|placeholder|change.?me|your|redacted|xxxx|test|fake|<|\$\{|\*\*\*")
MIN_ENTROPY = 3.6
"""Bits per character. Literals below it are words rather than keys (gitleaks: 3.5)."""


def find_in_changes(changes: Changes, before: Callable[[str], bytes | None]) -> list[str]:
    """Report new lines that look like a secret: `config.py line 3 looks like an AWS access key`."""
    # existing lines, even in a moved file, are not this task's doing
    old = {line for path in changes for line in (before(path) or b"").splitlines()}
    return [
        f"{redact(path)} line {number} looks like {kind}"
        for path, content in sorted(changes.items())
        for number, line in enumerate((content or b"").splitlines(), 1)
        if line not in old and (kind := secret_kind(line.decode("utf-8", errors="replace")))
    ]


def find_in_names(changes: Changes, before: Callable[[str], bytes | None]) -> list[str]:
    """Report names of new files that look like a secret, without quoting them."""
    kinds = [secret_kind(path) for path in sorted(changes) if before(path) is None]
    return [f"the name of a new file looks like {kind}" for kind in kinds if kind]


def find_in_text(what: str, text: str) -> list[str]:
    """Report text that looks like a secret, such as a commit message.

    `the summary looks like a GitHub token`.
    """
    kinds = dict.fromkeys(kind for line in text.splitlines() if (kind := secret_kind(line)))
    return [f"{what} looks like {kind}" for kind in kinds]


def redact(text: str) -> str:
    """Replace secrets of known formats in a text for users, such as a log line."""
    for kind, form in _PATTERNS.items():
        for secret in {match[0] for match in form.finditer(text) if not _PLACEHOLDER.search(match[0])}:
            text = text.replace(secret, f"[{kind}]")
    return text


def secret_kind(line: str) -> str | None:
    """Kind of secret a line seems to contain, or None."""
    for kind, form in _PATTERNS.items():
        match = form.search(line)
        if match and not _PLACEHOLDER.search(match[0]):
            return kind
    named = _NAMED_LITERAL.search(line)
    return "a literal password or key" if named and _is_random(named[1]) else None


def _is_random(literal: str) -> bool:
    """True for random literals.

    Words, paths and names of settings have no digits or low entropy.
    """
    has_digit = any(character.isdigit() for character in literal)
    return has_digit and not _PLACEHOLDER.search(literal) and _entropy(literal) > MIN_ENTROPY


def _entropy(text: str) -> float:
    """Bits per character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
