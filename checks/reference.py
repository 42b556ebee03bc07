"""Write the generated pages of docs/reference from the code and its data.

python -m checks.reference --write    writes the pages
python -m checks.reference            fails if a page is stale
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import yaml

from checks.api.responses import RESPONSES, SHARED, statuses
from checks.api.texts import code_texts
from checks.documents import GENERATED
from checks.sam import ROOT, source
from tests.simulation.execution.mutants import EXECUTION_MUTANTS
from tests.simulation.mutant_seeds import caught_by
from tests.simulation.mutants import MUTANTS
from tests.simulation.mutants_of_file_queue import OF_THE_QUEUE
from tests.simulation.sandboxes.mutants import MUTANTS as SANDBOX_MUTANTS

FOLDER = ROOT / "docs" / "reference"
HEADER = f"{GENERATED} python -m checks.reference --write: do not edit -->\n\n"
PAST_BUGS = ROOT / "tests" / "simulation" / "past_bugs.yaml"
OPENAPI = ROOT / "layers" / "common" / "groundwork" / "openapi.json"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def mutants() -> str:
    """One table per kind of simulation: each bug with the invariant reporting it."""
    return (
        "# Mutants\n\n"
        "A mutant is a bug put into the code on purpose. The simulator must report each within 300 seeds.\n"
        "`make test-all` looks at the recorded seed first. "
        "[Reliability](../explanation/reliability.md) explains the method.\n\n"
        f"## Runs\n\n`python -m tests.simulation --mutants` finds these {len(MUTANTS)}. "
        "Add `--keep` to record seeds and invariants anew.\n\n"
        f"{_mutants_of('runs', [(mutant.name, mutant.what) for mutant in MUTANTS])}\n"
        "## Files of other programs\n\n"
        f"`tests/simulation/test_file_queue.py` finds these {len(OF_THE_QUEUE)}.\n\n"
        f"{_table_of((one.name, one.what, one.caught_by) for one in OF_THE_QUEUE)}\n"
        "## Plan execution\n\n"
        f"`python -m tests.simulation --executions --mutants` finds these {len(EXECUTION_MUTANTS)}.\n\n"
        f"{_mutants_of('executions', [(mutant.name, mutant.what) for mutant in EXECUTION_MUTANTS])}\n"
        "## Sandboxes\n\n"
        f"`python -m tests.simulation --sandboxes --mutants` finds these {len(SANDBOX_MUTANTS)}.\n\n"
        f"{_mutants_of('sandboxes', [(mutant.name, mutant.what) for mutant in SANDBOX_MUTANTS])}"
    )


def _mutants_of(kind: str, mutants: Iterable[tuple[str, str]]) -> str:
    caught: Mapping[str, Mapping[str, object]] = caught_by(kind)
    return _table_of((name, bug, caught.get(name, {}).get("caught_by")) for name, bug in mutants)


def _table_of(mutants: Iterable[tuple[str, str, object]]) -> str:
    return table(("mutant", "bug", "reported by"), [(name, bug, _code(invariant)) for name, bug, invariant in mutants])


def _code(value: object) -> str:
    return f"`{value}`" if value else "not recorded"


def past_bugs() -> str:
    bugs: dict[str, list[dict[str, str]]] = yaml.safe_load(PAST_BUGS.read_text())
    kinds = {"runs": "Runs and backlog", "executions": "Plan execution"}
    return (
        "# Past bugs\n\n"
        "Bugs found by the simulator, by fault runs and by review. Each is fixed and has a test: in\n"
        "`tests/runs/` or `tests/execution/`, beside its subject, or in the file of the last column.\n"
        "A seed belongs to its commit: the simulator has grown since, so today it draws other events.\n\n"
    ) + "\n".join(f"## {title}\n\n{_bugs_of(bugs[kind])}" for kind, title in kinds.items())


def _bugs_of(bugs: Iterable[Mapping[str, str]]) -> str:
    rows = [(bug["bug"], bug["found_by"], bug["fix"], f"`{bug['test']}`" if "test" in bug else "") for bug in bugs]
    return table(("bug", "found by", "fix", "test"), rows)


def error_codes() -> str:
    by_code = {name: _texts_of(status, answer) for status, name in SHARED.items() for answer in [RESPONSES[name]]}
    shared = {code: (status, text) for found in by_code.values() for code, (status, text) in found.items()}
    known = statuses()
    codes = shared | {code: (str(known[code]), text) for code, text in code_texts().items() if code in known}
    return (
        "# Error codes\n\n"
        'The API answers an error as `{"error": {"code", "message", "details"?}}`. Test the status first, then the\n'
        "code. Messages may change. API Gateway itself answers 401 (no token), 403 (wrong token), 404 (unknown\n"
        'route) and 429 (throttled) as `{"message"}`.\n\n'
        f"{table(('code', 'status', 'meaning'), [(f'`{code}`', *codes[code]) for code in sorted(codes)])}"
    )


def _texts_of(status: str, answer: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Status and text by code of a shared response; empty for the gateway's own."""
    code, colon, text = answer["description"].partition(": ")
    return {code.strip("`"): (status, text)} if colon and code.startswith("`") else {}


def operations() -> str:
    document = json.loads(OPENAPI.read_text())
    return (
        "# API operations\n\n"
        "Fields, examples and the errors of each operation are in the OpenAPI document at `GET /api/openapi.json`.\n"
        "[API conventions](api.md) describes headers, paging and versions.\n\n"
    ) + "\n".join(f"## {tag.capitalize()}\n\n{_operations_of(rows)}" for tag, rows in _by_tag(document))


def _by_tag(document: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str, Mapping[str, Any]]]]]:
    by_tag: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = defaultdict(list)
    for path, operations in sorted(document["paths"].items()):
        for method, operation in operations.items():
            by_tag[operation["tags"][0]].append((method.upper(), path, operation))
    yield from sorted(by_tag.items())


def _operations_of(rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> str:
    return table(
        ("request", "operation", "description"),
        [(f"`{method} {path}`", f"`{one['operationId']}`", one["description"]) for method, path, one in rows],
    )


def parameters() -> str:
    parts = source()["Parameters"]
    rows = [
        (f"`{name}`", part["Description"], f"`{part['Default']}`" if part.get("Default") != "" else "")
        for name, part in parts.items()
    ]
    return (
        "# Parameters of the stack\n\n"
        "Set them in `samconfig.toml`, in `parameter_overrides` of an environment. Allowed values are in\n"
        "`template.yaml`. [Settings](settings.md) lists the environment variables.\n\n"
        f"{table(('parameter', 'meaning', 'default'), rows)}"
    )


LIMITS = (
    ("cards in one upload", "groundwork.backlog.model.MAX_CARDS_A_CALL"),
    ("bytes of one upload", "groundwork.backlog.model.MAX_IMPORT_BYTES"),
    ("bytes of the file of an import", "groundwork.imports.model.MAX_FILE_BYTES"),
    ("characters of a card's text", "groundwork.backlog.model.MAX_CARD_TEXT"),
    ("characters of a card's metadata as JSON", "groundwork.backlog.card_import.limits.MAX_METADATA"),
    ("bytes of one JSON value in a file of feedback", "groundwork.backlog.card_import.limits.MAX_DOCUMENT_BYTES"),
    ("bytes of a workbook's texts, unpacked", "groundwork.backlog.card_import.limits.MAX_STRINGS_BYTES"),
    ("different texts of a workbook", "groundwork.backlog.card_import.limits.MAX_STRINGS"),
    ("bytes of a chat export's messages", "groundwork.backlog.card_import.limits.MAX_CHAT_BYTES"),
    ("items selected by id for a run", "groundwork.runs.start.MAX_SELECTED_ITEMS"),
    ("attempts at an item in one run", "groundwork.runs.model.ITEM_ATTEMPTS"),
    ("runs in a chain of automatic retries", "groundwork.runs.retry.RUN_ATTEMPTS"),
    ("hops of a run", "groundwork.runs.model.MAX_HOPS"),
    ("hops in a row without progress", "groundwork.runs.model.MAX_STALLED_HOPS"),
    ("tasks of a plan", "groundwork.plans.model.MAX_TASKS"),
    ("phases of a plan", "groundwork.plans.model.MAX_PHASES"),
    ("stories of a plan", "groundwork.plans.model.MAX_STORIES"),
    ("dependencies of a task", "groundwork.plans.model.MAX_DEPENDENCIES"),
    ("bytes of a plan's texts as JSON", "groundwork.plans.model.MAX_BYTES"),
    ("tasks of a generated plan", "groundwork.plans.generate.MAX_GENERATED_TASKS"),
    ("attempts at a task before a person must act", "groundwork.execution.state.MAX_ATTEMPTS"),
    ("workers that one attempt at a task may lose", "groundwork.execution.claims.MAX_LOST_WORKERS"),
    ("files that an attempt may change", "groundwork.agent.workspace.MAX_CHANGED_FILES"),
    ("bytes that an attempt may change", "groundwork.agent.workspace.MAX_CHANGED_BYTES"),
    ("bytes of one file that a session writes", "groundwork.agent.workspace.MAX_WRITTEN_BYTES"),
    ("bytes of one file that a session reads", "groundwork.agent.workspace.MAX_READ_BYTES"),
    ("tool calls in one turn", "groundwork.agent.turn.MAX_CALLS"),
    ("seconds of one search", "groundwork.agent.search.MAX_SECONDS"),
    ("lines of a file that may be replaced unread", "groundwork.agent.tools.MAX_UNREAD_LINES"),
    ("calls of check and run in an attempt", "groundwork.agent.check_state.MAX_RUNS"),
    ("seconds of commands in an attempt of medium effort", "groundwork.agent.check_state.MAX_COMMAND_SECONDS"),
    ("seconds between two polls of a command", "groundwork.checks.poll_delay.MAX_DELAY_S"),
    ("MB of a file that a checkout holds", "groundwork.adapters.git.clone.MAX_FILE_MB"),
    ("commits searched for a task's commit", "groundwork.adapters.git.task_commits.MAX_COMMITS"),
    ("bytes of a request or response", "groundwork.api.http.MAX_BYTES"),
)
"""Limits visible to users, with their constants."""


def limits() -> str:
    rows = [(text, f"{_constant(name):,}", f"`{name}`") for text, name in LIMITS]
    return (
        "# Limits\n\n"
        "[Behaviour at the limits](../explanation/reliability.md#at-the-limits) describes the effects, with tests.\n\n"
        f"{table(('at most', 'value', 'constant'), rows)}"
    )


def _constant(dotted: str) -> int | float:
    module, _, name = dotted.rpartition(".")
    value: int | float = getattr(import_module(module), name)
    return value


PAGES = {
    "error-codes.md": error_codes,
    "limits.md": limits,
    "mutants.md": mutants,
    "operations.md": operations,
    "parameters.md": parameters,
    "past-bugs.md": past_bugs,
}


def main(arguments: Sequence[str]) -> int:
    """1 if a page is stale."""
    pages = {FOLDER / name: HEADER + page() for name, page in PAGES.items()}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    if "--write" in arguments:
        for path in stale:
            path.write_text(pages[path])
        return 0
    for path in stale:
        print(f"{path.relative_to(ROOT)} is stale: python -m checks.reference --write", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
