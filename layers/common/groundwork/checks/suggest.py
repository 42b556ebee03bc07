"""Suggested commands for a repository, from its files. Nothing is run to find them."""

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable
from typing import Annotated, Any

from groundwork.values import Stored, stored_as

MAX_FILE = 200_000
"""Characters of a file to read: these files are small, and they are untrusted."""


class SuggestedCommands(Stored):
    """Suggested commands: set-up, then checks."""

    setup: Annotated[tuple[str, ...], stored_as("setup")] = ()
    verify: Annotated[tuple[str, ...], stored_as("verify")] = ()

    def plus(self, other: "SuggestedCommands") -> "SuggestedCommands":
        return SuggestedCommands(
            setup=tuple(dict.fromkeys((*self.setup, *other.setup))),
            verify=tuple(dict.fromkeys((*self.verify, *other.verify))),
        )


Read = Callable[[str], str | None]
"""Returns the text of a file, None if it is absent or unreadable."""


def suggest(paths: Collection[str], read: Read) -> SuggestedCommands:
    """Suggest commands for the languages of a repository, by the files at its root."""
    names = {path for path in paths if "/" not in path}
    found = SuggestedCommands()
    for part in (_python, _node, _go, _rust, _other):
        found = found.plus(part(names, paths, read))
    return found if found.verify else found.plus(_of_makefile(names, read)).plus(_of_workflows(paths, read))


def _python(names: Collection[str], paths: Collection[str], read: Read) -> SuggestedCommands:
    pyproject = _toml(read("pyproject.toml")) if "pyproject.toml" in names else {}
    if not {"pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "requirements.txt", "pytest.ini"} & set(names):
        return SuggestedCommands(verify=("python3 -m unittest",)) if _has_unittests(paths) else SuggestedCommands()
    verify = [_python_test(names, paths, pyproject, read)]
    if "ruff" in _table(pyproject, "tool") or "ruff.toml" in names:
        verify.append("ruff check .")
    if "mypy" in _table(pyproject, "tool") or "mypy.ini" in names:
        verify.append("mypy .")
    if "uv.lock" in names:
        return SuggestedCommands(setup=("uv sync --frozen",), verify=tuple(f"uv run --offline {one}" for one in verify))
    if "poetry.lock" in names:
        return SuggestedCommands(setup=("poetry install",), verify=tuple(f"poetry run {one}" for one in verify))
    setup = ["python3 -m venv .venv", *(f".venv/bin/pip install -r {one}" for one in _requirements(names))]
    if {"setup.py", "setup.cfg"} & set(names) or "project" in pyproject or "build-system" in pyproject:
        setup.append(f".venv/bin/pip install -e {_extras(pyproject)}")
    tools = " ".join(dict.fromkeys(line.split()[0] for line in verify if not line.startswith("python3")))
    if tools:
        setup.append(f".venv/bin/pip install {tools}")
    # programs are found in the environment that set-up made
    run = tuple(
        one.replace("python3", ".venv/bin/python", 1) if one.startswith("python3") else f".venv/bin/{one}"
        for one in verify
    )
    return SuggestedCommands(setup=tuple(setup), verify=run)


def _python_test(names: Collection[str], paths: Collection[str], pyproject: dict[str, Any], read: Read) -> str:
    configured = "pytest" in _table(pyproject, "tool") or {"pytest.ini", "conftest.py"} & set(names)
    texts = [read(one) or "" for one in ("tox.ini", "setup.cfg", *_requirements(names)) if one in names]
    named = any("pytest" in text for text in texts) or "pytest" in json.dumps(pyproject)
    uses_conftest = any(path.endswith("/conftest.py") for path in paths)
    return "pytest -q" if configured or named or uses_conftest or not _has_unittests(paths) else "python3 -m unittest"


def _has_unittests(paths: Iterable[str]) -> bool:
    return any(re.fullmatch(r"(tests?/)?test_[^/]+\.py", path) for path in paths)


def _requirements(names: Collection[str]) -> list[str]:
    known = ("requirements.txt", "requirements-dev.txt", "requirements-test.txt", "dev-requirements.txt")
    return [name for name in known if name in names]


def _extras(pyproject: dict[str, Any]) -> str:
    extras = _table(_table(pyproject, "project"), "optional-dependencies")
    return next((f"'.[{name}]'" for name in ("dev", "test", "tests", "testing") if name in extras), ".")


def _node(names: Collection[str], paths: Collection[str], read: Read) -> SuggestedCommands:
    if "package.json" not in names:
        return SuggestedCommands()
    scripts = _table(_json(read("package.json")), "scripts")
    manager, setup = _manager(names)
    # npm's own placeholder always fails
    has_test = "test" in scripts and "no test specified" not in str(scripts["test"])
    wanted = [name for name in ("lint", "typecheck", "type-check", "test") if name in scripts]
    verify = [f"{manager} run {name}" for name in wanted if name != "test" or has_test]
    return SuggestedCommands(setup=(setup,), verify=tuple(verify))


def _manager(names: Collection[str]) -> tuple[str, str]:
    for lock, manager, setup in (
        ("pnpm-lock.yaml", "pnpm", "pnpm install --frozen-lockfile"),
        ("yarn.lock", "yarn", "yarn install --frozen-lockfile"),
        ("bun.lock", "bun", "bun install --frozen-lockfile"),
        ("package-lock.json", "npm", "npm ci"),
    ):
        if lock in names:
            return manager, setup
    return "npm", "npm install"


def _go(names: Collection[str], paths: Collection[str], read: Read) -> SuggestedCommands:
    found = "go.mod" in names
    return (
        SuggestedCommands(setup=("go mod download",), verify=("go vet ./...", "go test ./..."))
        if found
        else SuggestedCommands()
    )


def _rust(names: Collection[str], paths: Collection[str], read: Read) -> SuggestedCommands:
    found = "Cargo.toml" in names
    return SuggestedCommands(setup=("cargo fetch",), verify=("cargo test --offline",)) if found else SuggestedCommands()


def _other(names: Collection[str], paths: Collection[str], read: Read) -> SuggestedCommands:
    if "pom.xml" in names:
        return SuggestedCommands(setup=("mvn -q dependency:go-offline",), verify=("mvn -q -o test",))
    if {"build.gradle", "build.gradle.kts"} & set(names):
        return SuggestedCommands(setup=("./gradlew --quiet dependencies",), verify=("./gradlew --offline test",))
    if "Gemfile" in names:
        return SuggestedCommands(setup=("bundle install",), verify=("bundle exec rake test",))
    if "composer.json" in names:
        return SuggestedCommands(setup=("composer install",), verify=("vendor/bin/phpunit",))
    return SuggestedCommands()


def _of_makefile(names: Collection[str], read: Read) -> SuggestedCommands:
    name = next((one for one in ("Makefile", "makefile", "GNUmakefile") if one in names), None)
    targets = set(re.findall(r"^([A-Za-z0-9_-]+)\s*:(?!=)", read(name) or "", re.MULTILINE)) if name else set()
    setup = next((f"make {target}" for target in ("setup", "install", "deps", "bootstrap") if target in targets), None)
    verify = tuple(f"make {target}" for target in ("lint", "check", "test") if target in targets)
    return SuggestedCommands(setup=(setup,) if setup and verify else (), verify=verify)


_RUN = re.compile(r"^\s*(?:- )?run:\s*(?!\|)(\S.*?)\s*$", re.MULTILINE)
_TESTS = re.compile(r"\b(test|tests|pytest|tox|nox|check|lint|ctest|rspec|phpunit)\b")


def _of_workflows(paths: Collection[str], read: Read) -> SuggestedCommands:
    """Take lines of a workflow with the words of tests. Its expressions cannot run here."""
    found: list[str] = []
    for path in sorted(paths):
        if re.fullmatch(r"\.github/workflows/[^/]+\.ya?ml", path):
            found += [line for line in _RUN.findall(read(path) or "") if _TESTS.search(line) and "${{" not in line]
    return SuggestedCommands(verify=tuple(dict.fromkeys(line.strip("'\"") for line in found))[:5])


def _toml(text: str | None) -> dict[str, Any]:
    try:
        return tomllib.loads((text or "")[:MAX_FILE])
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads((text or "{}")[:MAX_FILE])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
