"""Interpretation of reviews, on random plans, without tables."""

import json
from contextlib import suppress
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.errors import Refusal
from groundwork.generation.plan_review import judge, question
from groundwork.generation.review_answers import FORMS, ReviewScope
from groundwork.llm.mock import model
from groundwork.llm.prompt import schema
from groundwork.plans.errors import ConflictingSuggestions
from groundwork.plans.history import IterationRequest, ReviewType
from groundwork.plans.model import Plan
from groundwork.plans.operations import AddTask, SplitTask, apply
from groundwork.plans.repo_survey import Survey
from groundwork.plans.review_parts import parts
from groundwork.plans.suggestions import Suggestion, apply_chosen, incompatible_indices, is_stale
from groundwork.plans.validation import faults
from tests.anthropic_server.server import schema_fault
from tests.plans.plans import draft, id_of, phase, plan_of, plans

TYPES: tuple[ReviewType, ...] = get_args(ReviewType)
SURVEY = Survey("main", "0" * 40, ("src/a.py", "README.md"), "# A", None)
EFFORTS = ("XS", "S", "M", "L", "XL")


def whole(plan: Plan, part: int = 0) -> ReviewScope:
    return ReviewScope(plan, frozenset(task.id for task in plan.tasks), tuple(phase.id for phase in plan.phases), part)


@given(plans(), st.sampled_from(TYPES))
def test_whatever_the_mock_suggests_can_be_applied_by_itself_and_is_fresh(plan: Plan, review_type: ReviewType) -> None:
    answer = FORMS[review_type].answer.model_validate(model.answer(question(whole(plan), review_type, SURVEY)))
    kept, dropped = judge(whole(plan), review_type)(answer)
    assert dropped == []
    for one in kept:
        assert not is_stale(plan, one)
        assert faults(apply_chosen(plan, [one], [0]).plan) == []


def texts(**more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    line = st.text('abcé<&"{}', min_size=1, max_size=20)
    fixed: dict[str, st.SearchStrategy[Any]] = {
        "title": line,
        "description": line,
        "acceptance_criteria": st.lists(line, min_size=1, max_size=2),
        "effort": st.sampled_from(EFFORTS),
        "files": st.lists(st.sampled_from(["a.py", "../x", "/etc/passwd", "src/b.py"]), max_size=2),
        "reason": line,
    }
    return st.fixed_dictionaries(fixed | more)


REFS = st.sampled_from([str(number) for number in range(1, 9)])
PHASES = st.sampled_from(["P1", "P2", "P3"])
SOME = st.lists(REFS, max_size=3)
WHERE = st.one_of(st.just(""), REFS)
WHY = {"reason": st.just("Because.")}


def without(name: str, strategy: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return strategy.map(lambda found: {key: value for key, value in found.items() if key != name})


PART = without(
    "reason",
    texts(key=st.sampled_from(["a", "b", "c", "A b"]), depends_on=st.lists(st.sampled_from(["a", "b"]), max_size=2)),
)
ANSWERS: dict[ReviewType, st.SearchStrategy[dict[str, Any]]] = {
    "refine_descriptions": st.fixed_dictionaries({"refinements": st.lists(texts(ref=REFS), max_size=4)}),
    "add_missing": st.fixed_dictionaries(
        {"additions": st.lists(texts(phase=PHASES, before=WHERE, depends_on=SOME, needed_by=SOME), max_size=4)}
    ),
    "optimize_order": st.fixed_dictionaries(
        {
            "dependencies": st.lists(st.fixed_dictionaries({"ref": REFS, "depends_on": SOME, **WHY}), max_size=3),
            "moves": st.lists(
                st.fixed_dictionaries({"ref": REFS, "phase": PHASES, "before": WHERE, **WHY}), max_size=3
            ),
            "orders": st.lists(st.fixed_dictionaries({"phase": PHASES, "refs": SOME, **WHY}), max_size=2),
            "modes": st.lists(
                st.fixed_dictionaries({"phase": PHASES, "mode": st.sampled_from(["parallel", "manual"]), **WHY}),
                max_size=2,
            ),
            "removals": st.lists(st.fixed_dictionaries({"ref": REFS, **WHY}), max_size=2),
        }
    ),
    "break_down": st.fixed_dictionaries(
        {
            "splits": st.lists(
                st.fixed_dictionaries({"ref": REFS, "parts": st.lists(PART, max_size=4), **WHY}), max_size=3
            )
        }
    ),
}


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(TYPES))
def test_of_any_answer_only_what_can_be_applied_is_offered(data: st.DataObject, review_type: ReviewType) -> None:
    plan = data.draw(plans())
    answer = FORMS[review_type].answer.model_validate(data.draw(ANSWERS[review_type]))
    interpret = judge(whole(plan), review_type)
    kept: list[Suggestion] = []
    for _ in range(2):
        # faults of an answer raise ValueError and nothing else
        with suppress(ValueError):
            kept, _ = interpret(answer)
    for one in kept:
        stored = Suggestion.model_validate_json(one.model_dump_json(by_alias=True))
        assert not is_stale(plan, stored)
        after = apply_chosen(plan, [stored], [0]).plan
        assert faults(after) == []
        assert after.content() == apply(plan, one.operation).content()
        assert one.before != one.after


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(TYPES))
def test_any_subset_of_what_is_offered_is_applied_whole_or_refused(
    data: st.DataObject, review_type: ReviewType
) -> None:
    plan = data.draw(plans())
    answer = FORMS[review_type].answer.model_validate(data.draw(ANSWERS[review_type]))
    kept: list[Suggestion] = []
    with suppress(ValueError):
        kept, _ = judge(whole(plan), review_type)(answer)
    chosen = data.draw(st.lists(st.integers(0, len(kept) - 1), max_size=4)) if kept else []
    apart = incompatible_indices(kept)
    clash = any(other in apart[one] for one in chosen for other in chosen)
    try:
        assert faults(apply_chosen(plan, kept, chosen).plan) == []
    except ConflictingSuggestions:
        assert clash
    except Refusal:
        assert not clash
    else:
        assert not clash


def test_new_tasks_of_one_answer_never_share_a_key() -> None:
    plan = plan_of(phase("One", draft("same-title"), mode="parallel"))
    one = {"title": "Same title", "description": "x", "acceptance_criteria": ["x"], "effort": "S", "files": []}
    more = {"phase": "P1", "before": "", "depends_on": [], "needed_by": [], "reason": "x"}
    answer = FORMS["add_missing"].answer.model_validate({"additions": [one | more] * 3})
    keys = []
    for part in (0, 1):
        kept, _ = judge(whole(plan, part), "add_missing")(answer)
        keys += [found.operation.task.key for found in kept if isinstance(found.operation, AddTask)]
    assert len(set(keys)) == 6
    assert "same-title" not in keys


def test_a_new_task_stands_behind_what_it_needs_and_before_what_needs_it() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b"), draft("c")))
    texts = {"title": "New", "description": "x", "acceptance_criteria": ["x"], "effort": "S", "files": []}
    more = {"phase": "P1", "before": "1", "depends_on": ["1"], "needed_by": ["3"], "reason": "x"}
    answer = FORMS["add_missing"].answer.model_validate({"additions": [texts | more]})
    kept, dropped = judge(whole(plan), "add_missing")(answer)
    assert dropped == []
    after = apply_chosen(plan, kept, [0]).plan
    assert [task.key for task in after.tasks] == ["a", "new", "b", "c"]


def test_parts_of_a_split_keep_their_own_links() -> None:
    plan = plan_of(phase("One", draft("a"), draft("b", "a")))
    part = {"title": "P", "description": "x", "acceptance_criteria": ["x"], "effort": "S", "files": []}
    parts_of_it = [part | {"key": "X 1", "depends_on": []}, part | {"key": "x-2", "depends_on": ["x 1"]}]
    answer = FORMS["break_down"].answer.model_validate({"splits": [{"ref": "2", "parts": parts_of_it, "reason": "x"}]})
    (one,), _ = judge(whole(plan), "break_down")(answer)
    assert isinstance(one.operation, SplitTask)
    after = apply_chosen(plan, [one], [0]).plan
    first, second = (after.task(id_of(after, key)) for key in ("x-1", "x-2"))
    assert first
    assert second
    assert (first.depends_on, second.depends_on) == ((id_of(plan, "a"),), (first.id,))


@pytest.mark.parametrize("review_type", TYPES)
def test_a_question_is_one_that_the_api_takes(review_type: ReviewType) -> None:
    plan = plan_of(phase("One", draft("a"), draft("b", "a")))
    asked = question(whole(plan), review_type, SURVEY)
    assert schema_fault(schema(asked.answer)) is None
    assert json.dumps(asked.material)
    assert asked.max_tokens <= 16_000
    assert len(asked.instructions) > 1_500


@pytest.mark.parametrize("review_type", TYPES)
def test_the_largest_plan_is_reviewed_in_parts_that_cover_it_once(review_type: ReviewType) -> None:
    plan = plan_of(*[phase(f"P{n}", *[draft(f"t{n}-{m}") for m in range(50)]) for n in range(10)])
    found = parts(plan, IterationRequest(review_type=review_type))
    assert [id_ for part in found for id_ in part.task_ids] == [task.id for task in plan.tasks]
    assert parts(plan, IterationRequest(review_type=review_type)) == found
    for part in found:
        sight = ReviewScope(plan, frozenset(part.task_ids), part.phase_ids)
        assert len(json.dumps(question(sight, review_type, SURVEY).material)) < 400_000
