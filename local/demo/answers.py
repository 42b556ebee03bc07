"""Written answers of the mock for the cards in examples/, packed as a setting.

`examples/demo-answers` holds them as YAML: the analyses of the cards by external id, the epics with their stories and
subtasks, and plans with the changes of their tasks to the example code base.
"""

import base64
import csv
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VARIABLE = "GROUNDWORK_MOCK_ANSWERS"

type Json = dict[str, Any]


def with_answers(shell: Mapping[str, str], examples: Path = EXAMPLES) -> dict[str, str]:
    """Return the shell's variables with the packed answers, unless the user has set them."""
    return {**shell, VARIABLE: shell[VARIABLE] if VARIABLE in shell else pack(read_answers(examples))}


def pack(document: Json) -> str:
    """Return the document as the text of a setting."""
    # compressed, since a variable of the environment has at most 128 KB
    return base64.b64encode(zlib.compress(json.dumps(document).encode())).decode()


def read_answers(examples: Path) -> Json:
    """Return the document of all answers. A card without an analysis is left to the rules."""
    folder = examples / "demo-answers"
    analyses = _load(folder / "cards.yaml")
    cards = [
        {"id": id_, "text": text, "analysis": _analysis(analyses[id_])}
        for id_, text in card_texts(examples)
        if id_ in analyses
    ]
    epics = [_epic(_load(path)) for path in sorted((folder / "epics").glob("*.yaml"))]
    plans = [_plan(_load(path)) for path in sorted((folder / "plans").glob("*.yaml"))]
    return {"cards": cards, "epics": epics, "plans": plans}


def card_texts(examples: Path) -> Iterator[tuple[str, str]]:
    """Yield external id and text of each example card."""
    with (examples / "feedback.csv").open(encoding="utf-8", newline="") as file:
        yield from ((row["externalId"], row["text"]) for row in csv.DictReader(file))
    for line in (examples / "interviews.ndjson").read_text(encoding="utf-8").splitlines():
        card = json.loads(line)
        yield card["externalId"], card["text"]


def _load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _analysis(written: Json) -> Json:
    kind, severity, sentiment = written["is"]
    texts = {name: written[name] for name in ("summary", "theme", "keywords")}
    return {**texts, "kind": kind, "severity": severity, "sentiment": sentiment}


def _epic(written: Json) -> Json:
    return written | {"stories": [_story(story) for story in written["stories"]]}


def _story(written: Json) -> Json:
    subtasks = [
        {"title": subtask["title"], "description": subtask["text"], "effort": subtask["effort"]}
        for subtask in written["subtasks"]
    ]
    return written | {"acceptance_criteria": written["criteria"], "subtasks": subtasks}


def _plan(written: Json) -> Json:
    phases = [phase | {"tasks": [_task(task) for task in phase["tasks"]]} for phase in written["phases"]]
    return {"story": written["story"], "phases": phases}


def _task(written: Json) -> Json:
    defaults = {"subtask": "", "depends_on": []}
    criteria = {
        "acceptance_criteria": [criterion["text"] for criterion in written["criteria"]],
        "evidence": [criterion["evidence"] for criterion in written["criteria"]],
    }
    changes = [{"find": "", **change} for change in written["changes"]]
    return defaults | written | criteria | {"changes": changes}
