"""Detection of secrets in new lines.

Secrets are assembled here, so that none is in one piece.
"""

import pytest

from groundwork.agent import secret_scan

SECRETS = {
    "an AWS access key": "AKIA" + "QYLPMN5HFIXTEBZ2",
    "a GitHub token": "ghp_" + "x7Kq2Lm9Pz4Rt6Vb8Nc1Wd3Yf5Hg0Js2Kq4L",
    "a GitLab token": "glpat-" + "x7Kq2Lm9Pz4Rt6Vb8Nc1",
    "an Anthropic key": "sk-ant-" + "api03-x7Kq2Lm9Pz4Rt6Vb8Nc1",
    "an OpenAI key": "sk-" + "proj-x7Kq2Lm9Pz4Rt6Vb8Nc1Wd3Yf5Hg0Js2",
    "a Slack token": "xoxb-" + "2345678901-abcdefGHIJ",
    "a Stripe key": "sk_" + "live_x7Kq2Lm9Pz4Rt6Vb",
    "a Google API key": "AIza" + "SyA7Kq2Lm9Pz4Rt6Vb8Nc1Wd3Yf5Hg0Js2K",
    "an npm token": "npm_" + "x7Kq2Lm9Pz4Rt6Vb8Nc1Wd3Yf5Hg0Js2Kq4L",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a signed token (JWT)": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxMjM0In0." + "x7Kq2Lm9Pz4Rt6Vb8Nc1Wd",
    "a password in a URL": "postgres://app:" + "x7Kq2Lm9@db.internal/app",
    "a literal password or key": 'db_password = "' + "x7Kq2!Lm9Pz4Rt6Vb8" + '"',
}
HARMLESS = [
    'password = os.environ["DATABASE_PASSWORD"]',
    'token = "your-token-goes-here-please"',
    'API_KEY = "${SECRET_FROM_THE_SETTINGS}"',
    'secret_name = "groundwork/app/credentials"',
    "postgres://user:$PASSWORD@localhost/app",
    "https://example.org:8080/path@2x.png",
    'sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    "AKIAIOSFODNN7EXAMPLE",
    "def reset_password(token: str) -> None:",
    'error_message = "the password must have at least sixteen characters"',
]


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items())
def test_a_secret_is_found_by_its_form_and_never_quoted(kind: str, secret: str) -> None:
    changes = {"src/settings.py": f"import os\n\nvalue = 1  # {secret}\n".encode()}
    found = secret_scan.find_in_changes(changes, lambda path: None)
    assert found == [f"src/settings.py line 3 looks like {kind}"]
    assert secret not in found[0]


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_no_secret_does_not_stop_a_commit(line: str) -> None:
    assert secret_scan.secret_kind(line) is None


def test_what_was_there_before_is_not_held_against_a_task() -> None:
    old = f"key = {SECRETS['an AWS access key']}\n".encode()
    assert secret_scan.find_in_changes({"a.py": old + b"more = 1\n"}, lambda path: old) == []
    assert secret_scan.find_in_changes({"a.py": None}, lambda path: old) == []
    assert secret_scan.find_in_changes({"a.py": None, "moved/a.py": old}, {"a.py": old}.get) == []
    assert secret_scan.find_in_changes({"b.py": old}, lambda path: None) != []


def test_binary_files_and_endless_lines_are_looked_through_too() -> None:
    key = SECRETS["an AWS access key"].encode()
    assert secret_scan.find_in_changes({"a.bin": b"\0\xff " + key}, lambda path: None)
    assert not secret_scan.find_in_changes({"a.min.js": b"x=" * 200_000}, lambda path: None)
    assert secret_scan.find_in_changes({"a.min.js": b"x=" * 200_000 + b" " + key}, lambda path: None)
