"""Invariants of a plan under concurrent editors, on the fake and on the real store."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groundwork.adapters.dynamodb.tables import open_tables
from groundwork.errors import Refusal
from groundwork.ids import new_repository_id
from groundwork.plans.editor import Editor, ExpectedVersions
from groundwork.plans.errors import VersionConflict
from groundwork.plans.history import Iteration, IterationKind, compare
from groundwork.plans.model import Plan
from groundwork.plans.operations import AddTask, MoveTask, Operation, RemoveTask, SplitTask, UpdateTask, apply
from groundwork.plans.repositories import Repository
from groundwork.plans.reviews import Choice, apply_suggestions
from groundwork.plans.suggestions import Suggestion, affected_part, apply_chosen, select_applicable
from groundwork.plans.validation import faults
from tests.examples import examples
from tests.fakes.plans import MemoryPlans, MemoryStories
from tests.plans.plans import NOW, operations, plans
from tests.simulation.dynamodb import Database, in_place_of_aws
from tests.tables import settings_at

type Make = Callable[[Plan], Plan]


@dataclass
class Slipped:
    """A store that runs another editor between reading a plan and writing its next version."""

    store: Any
    meanwhile: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def commit(self, before: Plan, after: Plan, iteration: Iteration) -> None:
        act, self.meanwhile = self.meanwhile, None
        if act:
            act()
        self.store.commit(before, after, iteration)


@dataclass
class Reviews:
    """Reviews with suggestions, as stored."""

    store: Any
    made: dict[str, tuple[Iteration, list[Suggestion]]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def iteration(self, iteration_id: str) -> Iteration:
        return self.made[iteration_id][0]

    def suggestions(self, iteration: Iteration) -> list[Suggestion]:
        # as read back from a table
        return [Suggestion.model_validate_json(one.model_dump_json()) for one in self.made[iteration.id][1]]


def all_of(chosen: list[Operation]) -> Make:
    def make(plan: Plan) -> Plan:
        for operation in chosen:
            plan = apply(plan, operation)
        return plan

    return make


class Editing(RuleBasedStateMachine):
    """Two editors with the plan each has last seen, and all acknowledged versions."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.store = Slipped(self.open.enter_context(self.opened()))
        self.reviews = Reviews(self.store)
        self.known: dict[int, Plan] = {}
        self.made: dict[int, Make] = {}
        self.ever: set[str] = set()

    @contextmanager
    def opened(self) -> Iterator[Any]:
        memory = MemoryPlans()
        self.repository = Repository(id=new_repository_id(), name="R", url="https://a.example/r", created_at=NOW)
        memory.repositories[self.repository.id] = self.repository
        yield memory

    def teardown(self) -> None:
        self.open.close()

    @property
    def now(self) -> Plan:
        return self.known[max(self.known)]

    def editor(self, who: str) -> Editor:
        return Editor(self.store, MemoryStories(), lambda: 1_800_000_000_000, who, sleep=lambda seconds: None)

    @initialize(plan=plans())
    def create(self, plan: Plan) -> None:
        def draft(id_: str, now: str) -> Plan:
            content = plan.model_dump_json().replace(plan.id, id_)
            fields = {"repository_id": self.repository.id, "created_at": now, "updated_at": now}
            return Plan.model_validate_json(content).changed(**fields)

        made = self.editor("first").create(draft)
        self.known, self.seen = {1: made}, {"one": made, "other": made}
        self.ever = ids(made)

    def acknowledged(self, who: str, after: Plan, make: Make, back: Plan | None = None) -> None:
        """Check an acknowledged edit: it changed the version before it and no other."""
        if after.version in self.known:
            assert after.content() == self.known[after.version].content(), "said to be done, and nothing is there"
            return
        before = self.now
        assert after.version == before.version + 1
        assert after.content() == make(before).content()
        new = ids(after) - ids(before)
        assert not new & (self.ever - (ids(back) if back else set())), "an id was given twice"
        self.ever |= ids(after)
        self.known[after.version] = after
        self.seen[who] = after

    def attempt(
        self, who: str, make: Make, change: Callable[[ExpectedVersions], Plan], careful: bool, back: Plan | None = None
    ) -> Plan | None:
        affected_part = [self.seen[who].version] if careful else None
        try:
            after = change(affected_part)
        except VersionConflict as conflict:
            assert careful, "who names no version is never turned away"
            told: int = conflict.details["version"]
            assert self.seen[who].version != told == self.now.version
            return None
        except Refusal:
            return None  # the invariants after each step show that nothing changed
        assert not careful or self.seen[who].version == self.now.version
        self.acknowledged(who, after, make, back)
        return after

    @rule(who=st.sampled_from(["one", "other"]))
    def look(self, who: str) -> None:
        self.seen[who] = self.store.load(self.now.id)
        assert self.seen[who] == self.now

    @rule(who=st.sampled_from(["one", "other"]), careful=st.booleans(), data=st.data())
    def edit(self, who: str, careful: bool, data: st.DataObject) -> None:
        chosen = data.draw(st.lists(operations(self.seen[who]), min_size=1, max_size=3))
        editor = self.editor(who)
        self.attempt(
            who, all_of(chosen), lambda affected_part: editor.edit(self.now.id, chosen, affected_part), careful
        )

    @rule(careful=st.booleans(), data=st.data())
    def edit_while_another_edits(self, careful: bool, data: st.DataObject) -> None:
        """The other editor's change comes between our reading and our writing."""
        mine = data.draw(operations(self.now))
        its = data.draw(operations(self.now))
        self.look("one")
        before = self.now.version

        def meanwhile() -> None:
            self.attempt(
                "other",
                all_of([its]),
                lambda affected_part: self.editor("other").edit(self.now.id, [its], affected_part),
                False,
            )

        self.store.meanwhile = meanwhile
        expected = [before] if careful else None
        try:
            after = self.editor("one").edit(self.now.id, [mine], expected)
        except VersionConflict:
            assert careful
            assert self.now.version == before + 1, "turned away for nothing"
        except Refusal:
            pass
        else:
            assert not careful or self.now.version == before, "written over what its author has not seen"
            self.acknowledged("one", after, all_of([mine]))
        finally:
            self.store.meanwhile = None

    @rule(who=st.sampled_from(["one", "other"]), data=st.data())
    def review(self, who: str, data: st.DataObject) -> None:
        """Review the current plan or an earlier version."""
        plan = self.known[data.draw(st.sampled_from(sorted(self.known)))]
        proposed = [(data.draw(operations(plan)), "Because.") for _ in range(data.draw(st.integers(1, 4)))]
        kept, _ = select_applicable(plan, proposed)
        kept = [one for one in kept if one.before is not None]
        iteration = Iteration(
            id=f"{plan.id}-I{900 + len(self.reviews.made)}",
            plan_id=plan.id,
            number=900,
            kind=IterationKind.REVIEWED,
            actor=who,
            summary="",
            from_version=plan.version,
            version=plan.version,
            created_at=NOW,
        )
        self.reviews.made[iteration.id] = (iteration, kept)

    @precondition(lambda self: any(kept for _, kept in self.reviews.made.values()))
    @rule(who=st.sampled_from(["one", "other"]), careful=st.booleans(), data=st.data())
    def apply(self, who: str, careful: bool, data: st.DataObject) -> None:
        choices = [(iteration, kept) for iteration, kept in self.reviews.made.values() if kept]
        iteration, kept = data.draw(st.sampled_from(choices))
        indices = data.draw(st.lists(st.integers(0, len(kept) - 1), min_size=1, max_size=4))
        choice, editor = Choice(iteration_id=iteration.id, suggestion_indices=indices), self.editor(who)
        suggestions = self.reviews.suggestions(iteration)
        after = self.attempt(
            who,
            lambda plan: apply_chosen(plan, suggestions, indices).plan,
            lambda affected_part: apply_suggestions(self.reviews, editor, self.now.id, choice, affected_part),
            careful,
        )
        if after:
            assert all(is_in(after, suggestions[index].operation) for index in indices), "applied in part"

    @precondition(lambda self: any(kept for _, kept in self.reviews.made.values()))
    @rule(data=st.data())
    def a_stale_suggestion_is_never_applied(self, data: st.DataObject) -> None:
        """Applying a suggestion changes exactly the part shown beside it."""
        iteration, kept = data.draw(st.sampled_from([made for made in self.reviews.made.values() if made[1]]))
        index = data.draw(st.integers(0, len(kept) - 1))
        try:
            after = apply_chosen(self.now, self.reviews.suggestions(iteration), [index]).plan
        except Refusal:
            return
        one = kept[index]
        before = affected_part(self.now, one.operation)
        if isinstance(one.operation, MoveTask):
            # the position in a phase shifts with edits before it
            assert before
            assert one.before
            assert before["phaseId"] == one.before["phaseId"]
        else:
            assert before == one.before
        assert faults(after) == []

    @rule(who=st.sampled_from(["one", "other"]), careful=st.booleans(), data=st.data())
    def restore(self, who: str, careful: bool, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.known)))
        earlier, editor = self.known[version], self.editor(who)

        def make(plan: Plan) -> Plan:
            return plan.changed(phases=earlier.phases)

        self.attempt(
            who, make, lambda affected_part: editor.restore(self.now.id, version, affected_part), careful, earlier
        )
        if not careful:
            assert self.now.content() == earlier.content()
            assert compare(earlier, self.now) == []

    @invariant()
    def the_plan_is_what_was_last_acknowledged_and_valid(self) -> None:
        if self.known:
            assert self.store.load(self.now.id) == self.now
            assert faults(self.now) == []

    @invariant()
    def every_version_is_as_it_was(self) -> None:
        for version, plan in self.known.items():
            assert self.store.at_version(plan.id, version).content() == plan.content()


def ids(plan: Plan) -> set[str]:
    return {task.id for task in plan.tasks} | {phase.id for phase in plan.phases}


def is_in(plan: Plan, operation: Operation) -> bool:
    """True if the plan shows the operation's effect, as far as other chosen ones cannot hide it."""
    match operation:
        case UpdateTask(task_id=id_, fields=fields):
            task = plan.task(id_)
            return task is not None and task.title == fields["title"]
        case AddTask(task=draft):
            return any(task.key == draft.key for task in plan.tasks)
        case RemoveTask(task_id=id_) | SplitTask(task_id=id_):
            return plan.task(id_) is None
        case MoveTask(task_id=id_, phase_id=phase_id):
            phase = plan.phase_of(id_)
            return phase is not None and phase.id == phase_id
    return True


class EditingTheStore(Editing):
    """The same test on rows and transactions."""

    @contextmanager
    def opened(self) -> Iterator[Any]:
        self.repository = Repository(id=new_repository_id(), name="R", url="https://a.example/r", created_at=NOW)
        with in_place_of_aws(Database().carry_out):
            tables = open_tables(settings_at("backlog", "runs"))
            tables.repositories.create(self.repository)
            yield tables.plans


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

TestEditing = Editing.TestCase
TestEditing.settings = settings(
    max_examples=examples(150), stateful_step_count=25, deadline=None, suppress_health_check=SLOW, print_blob=True
)
TestEditingTheStore = EditingTheStore.TestCase
TestEditingTheStore.settings = settings(
    max_examples=examples(40), stateful_step_count=20, deadline=None, suppress_health_check=SLOW, print_blob=True
)
