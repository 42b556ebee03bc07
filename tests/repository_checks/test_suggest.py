"""Suggested commands, on small repositories."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.checks.suggest import suggest

Files = dict[str, str]
PYTEST = '[project]\nname = "a"\n\n[tool.pytest.ini_options]\n'


def suggested(files: Files) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = suggest(files.keys(), files.get)
    return found.setup, found.verify


def package(**scripts: str) -> str:
    return json.dumps({"name": "a", "scripts": scripts})


@pytest.mark.parametrize(
    ("files", "setup", "verify"),
    [
        ({"README.md": "Hello"}, (), ()),
        ({"package.json": package(test="vitest"), "package-lock.json": "{}"}, ("npm ci",), ("npm run test",)),
        ({"package.json": package(test="jest", lint="eslint .")}, ("npm install",), ("npm run lint", "npm run test")),
        (
            {"package.json": package(test="x", typecheck="tsc"), "pnpm-lock.yaml": ""},
            ("pnpm install --frozen-lockfile",),
            ("pnpm run typecheck", "pnpm run test"),
        ),
        (
            {"package.json": package(test='echo "Error: no test specified" && exit 1')},
            ("npm install",),
            (),
        ),
        ({"package.json": "{ not json"}, ("npm install",), ()),
        ({"package.json": "[1, 2]"}, ("npm install",), ()),
        (
            {"pyproject.toml": PYTEST, "tests/test_a.py": ""},
            ("python3 -m venv .venv", ".venv/bin/pip install -e .", ".venv/bin/pip install pytest"),
            (".venv/bin/pytest -q",),
        ),
        (
            {"pyproject.toml": PYTEST + '[project.optional-dependencies]\ntest = ["pytest"]\n[tool.ruff]\n'},
            ("python3 -m venv .venv", ".venv/bin/pip install -e '.[test]'", ".venv/bin/pip install pytest ruff"),
            (".venv/bin/pytest -q", ".venv/bin/ruff check ."),
        ),
        (
            {"pyproject.toml": PYTEST + "[tool.mypy]\n", "uv.lock": ""},
            ("uv sync --frozen",),
            ("uv run --offline pytest -q", "uv run --offline mypy ."),
        ),
        ({"pyproject.toml": "[tool.poetry]", "poetry.lock": ""}, ("poetry install",), ("poetry run pytest -q",)),
        (
            {"requirements.txt": "pytest\nhttpx\n", "test_a.py": ""},
            ("python3 -m venv .venv", ".venv/bin/pip install -r requirements.txt", ".venv/bin/pip install pytest"),
            (".venv/bin/pytest -q",),
        ),
        (
            {"requirements.txt": "httpx\n", "tests/test_a.py": ""},
            ("python3 -m venv .venv", ".venv/bin/pip install -r requirements.txt"),
            (".venv/bin/python -m unittest",),
        ),
        (
            {"tox.ini": "[testenv]\ncommands = pytest", "setup.py": ""},
            ("python3 -m venv .venv", ".venv/bin/pip install -e .", ".venv/bin/pip install pytest"),
            (".venv/bin/pytest -q",),
        ),
        ({"test_a.py": ""}, (), ("python3 -m unittest",)),
        ({"go.mod": "module a"}, ("go mod download",), ("go vet ./...", "go test ./...")),
        ({"Cargo.toml": "[package]"}, ("cargo fetch",), ("cargo test --offline",)),
        ({"pom.xml": "<project/>"}, ("mvn -q dependency:go-offline",), ("mvn -q -o test",)),
        ({"build.gradle.kts": ""}, ("./gradlew --quiet dependencies",), ("./gradlew --offline test",)),
        ({"Gemfile": ""}, ("bundle install",), ("bundle exec rake test",)),
        ({"Makefile": "test:\n\t./run\n"}, (), ("make test",)),
        (
            {"Makefile": "install: a\nlint:\ntest: lint\n\techo\nVALUE := 1\n"},
            ("make install",),
            ("make lint", "make test"),
        ),
        ({"Makefile": "test := 1\n"}, (), ()),
        ({"go.mod": "module a", "Makefile": "test:\n"}, ("go mod download",), ("go vet ./...", "go test ./...")),
        (
            {".github/workflows/ci.yml": "steps:\n      - run: ./ci/test.sh\n      - run: echo hello\n"},
            (),
            ("./ci/test.sh",),
        ),
        ({".github/workflows/ci.yml": "      - run: make test ${{ matrix.version }}\n"}, (), ()),
        ({"sub/package.json": package(test="x")}, (), ()),
    ],
)
def test_commands_are_suggested_by_what_is_there(files: Files, setup: Any, verify: Any) -> None:
    assert suggested(files) == (setup, verify)


def test_two_languages_are_checked_both() -> None:
    setup, verify = suggested({"go.mod": "", "package.json": package(test="x"), "package-lock.json": ""})
    assert setup == ("npm ci", "go mod download")
    assert verify == ("npm run test", "go vet ./...", "go test ./...")


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["package.json", "pyproject.toml", "Makefile", "requirements.txt", ".github/workflows/a.yml"]),
        st.text(max_size=300) | st.sampled_from(['{"scripts": []}', "[tool]\npytest=1", "project = 3", "[[[[[["]),
    )
)
def test_no_content_breaks_the_suggestion(files: Files) -> None:
    setup, verify = suggested(files)
    assert all(isinstance(line, str) and line.strip() for line in (*setup, *verify))
