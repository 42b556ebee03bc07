"""Interpretation of generated plans, without tables."""

import json
from typing import Any

import pytest

from groundwork.backlog.model import Mode, Story, Subtask
from groundwork.generation import plan_draft
from groundwork.generation.plan_draft import PlanBrief
from groundwork.generation.task_texts import normalize_files, normalize_key
from groundwork.llm.mock import model as mock
from groundwork.llm.mock import plans
from groundwork.llm.port import Question, Reply
from groundwork.llm.structured_output import AnswerInvalid, ask
from groundwork.plans.model import Plan
from groundwork.plans.repo_survey import Survey
from groundwork.plans.templates import builtin_templates, fill
from groundwork.plans.validation import faults
from tests.fakes.model import ScriptedModel, text
from tests.plans.plans import empty
from tests.plans.scripted_answers import FIVE, phases, written

SURVEY = Survey("main", "0" * 40, ("src/invoices/export.py", "README.md", "tests/test_export.py"), "# Invoices", None)
EPIC = "bcdfghjkmn-E1"
STORY_ID = f"{EPIC}-S1"


def brief(**fields: Any) -> PlanBrief:
    described = "One file a month. Amounts in the user's currency."
    plan = empty(title="Export invoices as CSV", description=described)
    known: dict[str, Any] = {"plan": plan, "survey": SURVEY}
    return PlanBrief(**known | fields)


def story(number: int = 1) -> Story:
    return Story(
        id=f"{EPIC}-S{number}",
        epic_id=EPIC,
        project_id="bcdfghjkmn",
        code=f"S{number}",
        title=f"Story {number}",
        created_at="2026-01-01T00:00:00.000Z",
    )


def subtasks(count: int) -> list[Subtask]:
    return [
        Subtask(
            id=f"{STORY_ID}-ST{n}",
            story_id=STORY_ID,
            project_id="bcdfghjkmn",
            code=f"ST{n}",
            title=f"Part {n}",
            created_at="2026-01-01T00:00:00.000Z",
        )
        for n in range(1, count + 1)
    ]


async def interpreted(of: PlanBrief, model: ScriptedModel) -> Plan:
    question = plan_draft.question(of)
    return await ask(model, question, lambda answer: plan_draft.interpret(of, answer), lambda reply: None)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a cycle": (phases(written("a", "b"), written("b", "c"), written("c", "a"), *FIVE[:2]), "CYCLE"),
    "an unknown dependency": (phases(*FIVE, written("a", "nothing")), "UNKNOWN_DEPENDENCY"),
    "a dependency on itself": (phases(*FIVE, written("a", "a")), "SELF_DEPENDENCY"),
    "a later one in order": (phases(written("a", "t0"), *FIVE, mode="sequential"), "LATER_IN_PHASE"),
    "an empty phase": ({"phases": [*phases(*FIVE)["phases"], *phases()["phases"]]}, "EMPTY_PHASE"),
    "two alike": (phases(*FIVE, written("t0")), "two tasks have the key"),
    "too few": (phases(*FIVE[:2]), "2 tasks given"),
    "no phase": ({"phases": []}, "NO_PHASE"),
    "a ref of nothing": (phases(*FIVE, written("a", ref="S7")), "no ref S7"),
    "no criteria": (phases(*FIVE, written("a", acceptance_criteria=[])), "at least 1 item"),
    "another field": (phases(*FIVE, written("a", surprise=1)), "surprise"),
    "an effort of its own": (phases(*FIVE, written("a", effort="XXL")), "effort"),
}


@pytest.mark.parametrize("name", list(WRONG))
async def test_a_wrong_answer_is_corrected_once_with_what_the_validator_says(name: str) -> None:
    wrong, said = WRONG[name]
    seen: list[Question] = []

    def scripted(call: int, question: Question) -> Reply | None:
        seen.append(question)
        return text(json.dumps(wrong)) if call == 1 else None

    plan = await interpreted(brief(), ScriptedModel(scripted))
    assert faults(plan, complete=True) == []
    assert seen[1].repair
    assert said.casefold() in seen[1].repair.error.casefold()


@pytest.mark.parametrize("name", list(WRONG))
async def test_an_answer_that_stays_wrong_is_rejected_with_the_reason(name: str) -> None:
    wrong, said = WRONG[name]
    model = ScriptedModel(lambda call, question: text(json.dumps(wrong)))
    with pytest.raises(AnswerInvalid) as rejected:
        await interpreted(brief(), model)
    assert model.calls == 2
    assert said.casefold() in str(rejected.value).casefold()


async def test_a_subtask_left_out_or_done_twice_is_wrong() -> None:
    answer = phases(written("a", ref="S1.1"), written("b", ref="S1.1"), written("c", ref="S1.2"))
    model = ScriptedModel(lambda call, question: text(json.dumps(answer)))
    with pytest.raises(AnswerInvalid) as rejected:
        await interpreted(brief(stories=[(story(), subtasks(3))]), model)
    assert "no task has the ref S1.3" in str(rejected.value)
    assert "several tasks have the ref S1.1" in str(rejected.value)


async def test_a_story_without_subtasks_may_be_several_tasks() -> None:
    answer = phases(written("a", ref="S1"), written("b", ref="S1"))
    plan = await interpreted(
        brief(stories=[(story(), [])]), ScriptedModel(lambda call, question: text(json.dumps(answer)))
    )
    assert [(task.story_id, task.subtask_id) for task in plan.tasks] == [(STORY_ID, None)] * 2


async def test_keys_and_paths_of_the_model_are_brought_into_form() -> None:
    odd = written("Büro & Co!", files=["/src/a.py", "./src/b.py", "../../etc/passwd", ".git/hooks/x", "src\\c.py", ""])
    answer = phases(odd, written("next", "büro & CO!"), *FIVE)
    plan = await interpreted(brief(), ScriptedModel(lambda call, question: text(json.dumps(answer))))
    first, second = list(plan.tasks)[:2]
    assert first.key == "b-ro-co"
    assert second.depends_on == (first.id,)
    assert first.files == ("src/a.py", "src/b.py", "src/c.py")


def test_no_path_leads_out_of_the_repository() -> None:
    assert normalize_files(["a/../../b", "..", "/", "a\x00b", "x" * 301, "a/b", "a/b"]) == ("a/b",)


@pytest.mark.parametrize("text", ["", "---", "é", "A" * 99, "a b", "x" * 39 + "-y"])
def test_any_key_becomes_one_that_is_valid(text: str) -> None:
    key = normalize_key(text)
    assert 1 <= len(key) <= 40
    assert normalize_key(key) == key


@pytest.mark.parametrize("mode", list(Mode))
async def test_the_mode_says_how_finely(mode: Mode) -> None:
    plan = await interpreted(brief(mode=mode), ScriptedModel())
    fewest, most = {"compact": (3, 12), "standard": (5, 25), "detailed": (10, 45)}[mode]
    assert fewest <= sum(1 for _ in plan.tasks) <= most


@pytest.mark.parametrize("count", [0, 1, 7, 50])
async def test_the_mock_makes_a_valid_plan_of_any_number_of_subtasks(count: int) -> None:
    plan = await interpreted(brief(stories=[(story(), subtasks(count)), (story(2), [])]), ScriptedModel())
    assert faults(plan, complete=True) == []
    assert sum(task.subtask_id is not None for task in plan.tasks) == count


@pytest.mark.parametrize("template_id", list(builtin_templates()))
async def test_the_mock_makes_a_valid_plan_of_each_template(template_id: str) -> None:
    template = builtin_templates()[template_id]
    values = {parameter.name: "an example" for parameter in template.parameters}
    plan = await interpreted(brief(template=fill(template, values)), ScriptedModel())
    assert [phase.title for phase in plan.phases] == [phase.title for phase in template.phases]


@pytest.mark.parametrize(
    "description",
    [
        "",
        "Short.",
        "One. " * 400,
        "- first point here\n- second point there\n\n1. third point too",
        "ünïcödé only " * 30,
    ],
    ids=["none", "short", "long", "bullets", "accents"],
)
async def test_the_mock_makes_a_valid_plan_of_any_description(description: str) -> None:
    plan = await interpreted(brief(plan=empty(title="T" * 300, description=description)), ScriptedModel())
    assert faults(plan, complete=True) == []


def test_the_mock_writes_the_same_plan_for_the_same_question() -> None:
    material = plan_draft.question(brief()).material
    assert plans.plan(material) == plans.plan(material)


def test_two_tasks_of_one_parallel_phase_of_the_mock_share_no_file() -> None:
    many = Survey("main", "0" * 40, tuple(f"src/export/invoices_{n}.py" for n in range(9)), "", None)
    question = plan_draft.question(brief(survey=many, mode=Mode.DETAILED))
    for phase in mock.answer(question)["phases"]:
        named = [path for task in phase["tasks"] for path in task["files"]]
        if phase["mode"] == "parallel":
            assert len(set(named)) == len(named)


def test_the_fixed_part_holds_nothing_of_the_material() -> None:
    one = plan_draft.question(brief())
    other = plan_draft.question(brief(mode=Mode.DETAILED, stories=[(story(), subtasks(2))]))
    assert one.instructions == other.instructions
    assert "CSV" not in one.instructions
