"""The answers in examples/demo-answers: found by content, valid, and a change that runs."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.agent.runner import run_session
from groundwork.agent.session import Session
from groundwork.backlog.model import Card, CardAnalysis, Epic, Mode, Story, Subtask
from groundwork.generation import analyze_cards, epics, plan_draft, stories, subtasks
from groundwork.generation.epics import EpicDraft
from groundwork.generation.plan_draft import PlanBrief
from groundwork.llm.mock.model import MockModel, answer
from groundwork.llm.mock.written import unpack
from groundwork.llm.port import Question
from groundwork.plans.model import Plan
from groundwork.plans.repo_survey import Survey
from local.demo.answers import EXAMPLES, card_texts, pack, read_answers
from tests.agent.world import MODEL, JobContext, brief, workspace
from tests.llm.questions import EPIC, STORY, card
from tests.plans.plans import empty

DOCUMENT = read_answers(EXAMPLES)
WRITTEN = unpack(pack(DOCUMENT))
TEXTS = [text for _, text in card_texts(EXAMPLES)]
ANALYSES = {one["text"]: one["analysis"] for one in DOCUMENT["cards"]}
(PLAN,) = DOCUMENT["plans"]
TASKS: list[dict[str, Any]] = [task for phase in PLAN["phases"] for task in phase["tasks"]]
APP = {
    str(path.relative_to(EXAMPLES / "cycling-app")): path.read_text()
    for path in sorted((EXAMPLES / "cycling-app").rglob("*"))
    if path.suffix in (".py", ".md")
}
CYCLING = Survey("main", "0" * 40, tuple(APP), "# Cycling app", "README.md")


def read[T](question: Question, interpret: Callable[[Any], T]) -> T:
    return interpret(question.answer.model_validate_json(json.dumps(answer(question, WRITTEN))))


def analyzed(cards: Sequence[Card]) -> list[Card]:
    outcomes = read(analyze_cards.question(cards), partial(analyze_cards.interpret, cards))
    found = [one.model_copy(update={"analysis": outcomes[one.id]}) for one in cards]
    assert all(isinstance(one.analysis, CardAnalysis) for one in found)
    return found


def numbered(texts: Sequence[str]) -> list[Card]:
    return [card(number, text) for number, text in enumerate(texts, 1)]


def proposed(cards: list[Card], existing: Sequence[str] = ()) -> list[EpicDraft]:
    return read(epics.propose(cards, existing), partial(epics.interpret_proposals, cards))


def written_epics() -> list[tuple[Epic, list[Card]]]:
    cards = analyzed(numbered(TEXTS))
    by_id = {one.id: one for one in cards}
    return [
        (EPIC.model_copy(update={"title": draft.title, "card_ids": draft.card_ids}), [by_id[i] for i in draft.card_ids])
        for draft in proposed(cards)
    ]


def written_story(title: str) -> Story:
    epic, cards = next(pair for pair in written_epics() if pair[0].title == "Never lose a ride or a map")
    drafts = read(stories.question(epic, cards, Mode.COMPACT), partial(stories.interpret, epic, cards, Mode.COMPACT))
    draft = next(draft for draft in drafts if draft.title == title)
    return STORY.model_copy(update={"title": title, "acceptance_criteria": draft.acceptance_criteria})


def test_there_is_an_analysis_for_each_example_card_and_for_no_other() -> None:
    assert len(TEXTS) == 63
    assert len(ANALYSES) == 63
    assert len({analysis["summary"] for analysis in ANALYSES.values()}) == 63


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_each_card_gets_its_analysis_however_the_cards_are_split_and_ordered(random: Any, size: int) -> None:
    cards = numbered(TEXTS)
    random.shuffle(cards)
    found = [one for start in range(0, 63, size) for one in analyzed(cards[start : start + size])]
    for one in found:
        assert one.analysis is not None
        assert one.analysis.as_json() | {"madeBy": None} == ANALYSES[one.text] | {"madeBy": None}


def test_an_unknown_card_beside_known_ones_is_read_by_the_rules() -> None:
    known, unknown = analyzed([card(1, TEXTS[0]), card(2, "The lift in our office is stuck again")])
    assert known.analysis
    assert unknown.analysis
    assert known.analysis.summary == ANALYSES[TEXTS[0]]["summary"]
    assert unknown.analysis.summary == "The lift in our office is stuck again"


@pytest.mark.parametrize("seed", range(4))
def test_the_epics_hold_every_bug_and_wish_of_the_examples(seed: int) -> None:
    cards = numbered(TEXTS)
    Random(seed).shuffle(cards)
    drafts = proposed(analyzed(cards))
    assert [draft.title for draft in drafts] == [epic["title"] for epic in DOCUMENT["epics"]]
    texts = {one.id: one.text for one in cards}
    ids = dict(zip((id_ for id_, _ in card_texts(EXAMPLES)), TEXTS, strict=True))
    for draft, epic in zip(drafts, DOCUMENT["epics"], strict=True):
        assert [texts[id_] for id_ in draft.card_ids] == [ids[id_] for id_ in epic["cards"]]
    coverage = epics.coverage(analyzed(cards), drafts)
    assert (coverage.covered, coverage.rest_ids) == (coverage.stated, ())


def test_a_text_that_is_there_twice_is_in_its_epic_twice() -> None:
    cards = analyzed(numbered([*TEXTS, TEXTS[0]]))
    assert epics.coverage(cards, proposed(cards)).rest_ids == ()


def test_unknown_cards_get_epics_of_the_rules_beside_the_written_ones() -> None:
    cards = analyzed(numbered([*TEXTS, "Please add a login with my company account", "The video is stuck"]))
    titles = [draft.title for draft in proposed(cards)]
    assert titles[:7] == [epic["title"] for epic in DOCUMENT["epics"]]
    assert len(titles) > 7
    assert epics.coverage(cards, proposed(cards)).rest_ids == ()


def test_an_epic_that_exists_is_not_proposed_again() -> None:
    existing = [epic["title"] for epic in DOCUMENT["epics"]]
    assert not {draft.title for draft in proposed(analyzed(numbered(TEXTS)), existing)} & set(existing)


@pytest.mark.parametrize("mode", [Mode.COMPACT, Mode.STANDARD])
def test_each_epic_has_its_stories_and_each_story_its_subtasks(mode: Mode) -> None:
    titles = []
    for (epic, cards), written in zip(written_epics(), DOCUMENT["epics"], strict=True):
        drafts = read(stories.question(epic, cards, mode), partial(stories.interpret, epic, cards, mode))
        assert [draft.title for draft in drafts] == [story["title"] for story in written["stories"]]
        titles += [draft.title for draft in drafts]
        for draft, story in zip(drafts, written["stories"], strict=True):
            one = STORY.model_copy(update={"title": draft.title, "acceptance_criteria": draft.acceptance_criteria})
            parts = read(subtasks.question(one, epic, mode), partial(subtasks.interpret, one, mode))
            assert [part.title for part in parts] == [subtask["title"] for subtask in story["subtasks"]]
    assert len(set(titles)) == 35


def test_more_stories_than_were_written_come_from_the_rules() -> None:
    epic, cards = written_epics()[0]
    detailed = Mode.DETAILED
    drafts = read(stories.question(epic, cards, detailed), partial(stories.interpret, epic, cards, detailed))
    assert 8 <= len(drafts) <= 12


def test_a_story_without_its_cards_is_not_invented() -> None:
    epic, cards = written_epics()[0]
    drafts = read(
        stories.question(epic, cards[1:2], Mode.COMPACT), partial(stories.interpret, epic, cards[1:2], Mode.COMPACT)
    )
    assert not {draft.title for draft in drafts} & {story["title"] for story in DOCUMENT["epics"][0]["stories"]}


def plan_of(survey: Survey) -> Plan:
    story = written_story(PLAN["story"])
    texts = DOCUMENT["epics"][0]["stories"][0]["subtasks"]
    parts = [
        Subtask(
            id=f"{story.id}-ST{number}",
            story_id=story.id,
            project_id=story.project_id,
            code=f"ST{number}",
            created_at=story.created_at,
            **text,
        )
        for number, text in enumerate(texts, 1)
    ]
    asked = PlanBrief(plan=empty(title=story.title), survey=survey, stories=[(story, parts)])
    return read(plan_draft.question(asked), partial(plan_draft.interpret, asked))


def test_the_plan_of_the_demo_has_a_task_for_each_subtask() -> None:
    plan = plan_of(CYCLING)
    assert [task.key for task in plan.tasks] == [task["key"] for task in TASKS]
    assert len({task.subtask_id for task in plan.tasks if task.subtask_id}) == 5


def test_another_repository_gets_a_plan_of_the_rules() -> None:
    plan = plan_of(Survey("main", "0" * 40, ("src/main.go",), "# Other", None))
    assert not {task.title for task in plan.tasks} & {"Describe the trash in the README"}


async def session_of(task: dict[str, Any], folder: Path, files: dict[str, str]) -> Session:
    desk = JobContext(MockModel(MODEL, latency_ms=0, written=WRITTEN), workspace(folder, dict(files)))
    named = {name: task[name] for name in ("key", "title", "description", "acceptance_criteria", "files")}
    asked = brief(layout=tuple(sorted(files)), **named)
    session = (await run_session(Session(brief=asked, base="0" * 40), desk.means(), desk.watch())).session
    assert session.ended
    assert session.ended.success, session.ended.reason
    return session


async def test_the_tasks_of_the_plan_end_in_an_app_with_passing_tests(tmp_path: Path) -> None:
    files = dict(APP)
    for number, task in enumerate(TASKS):
        session = await session_of(task, tmp_path / str(number), files)
        assert session.ended
        assert session.ended.subject == task["subject"]
        assert session.ended.summary.startswith(task["summary"].strip())
        assert "mock" in session.ended.summary
        assert [one.evidence for one in session.ended.criteria] == task["evidence"]
        assert set(session.changes) == {edit["path"] for edit in task["changes"]}
        files |= {path: str(change["text"]) for path, change in session.changes.items()}
    shutil.copytree(tmp_path / str(len(TASKS) - 1), tmp_path / "app")
    command = [sys.executable, "-m", "unittest"]
    done = await asyncio.to_thread(subprocess.run, command, cwd=tmp_path / "app", capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert b"Ran 7 tests" in done.stderr


async def test_a_file_that_is_not_as_expected_gets_the_outline_of_the_rules(tmp_path: Path) -> None:
    task = next(task for task in TASKS if task["key"] == "sync")
    files = APP | {"cycling/sync.py": '"""Another sync."""\n'}
    session = await session_of(task, tmp_path, files)
    assert session.ended
    assert session.ended.subject != task["subject"]
    assert str(session.changes["cycling/sync.py"]["text"]).startswith('"""Another sync."""\n')


def test_a_setting_that_holds_no_answers_is_refused() -> None:
    for text in ("no base64", "bm8gemxpYg==", pack({"cards": []})):
        with pytest.raises(ValueError, match="does not hold packed answers"):
            unpack(text)
    assert unpack("") is None
