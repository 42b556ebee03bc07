"""Simulations of runs on plans: users generate, edit and review plans under the same faults."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from groundwork.adapters.dynamodb.run_rows import LinesRow, journal_entry_of
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.backlog.model import Mode
from groundwork.errors import Refusal
from groundwork.generation.registry import run_handlers
from groundwork.ids import new_repository_id
from groundwork.plans.editor import Editor
from groundwork.plans.generate import GenerateRequest, GenerationStarted, Generator, ModelOptions
from groundwork.plans.history import Iteration, IterationStatus, ReviewType
from groundwork.plans.model import Plan, PlanStatus
from groundwork.plans.operations import UpdateTask
from groundwork.plans.ports import PlanServices
from groundwork.plans.repo_survey import RepositoryUnavailable, Survey
from groundwork.plans.repositories import Repository
from groundwork.plans.reviews import Choice, Reviewer, ReviewRequest, apply_suggestions
from groundwork.plans.validation import faults as faults_of
from groundwork.runs.hop import HopEnd, HopRunner
from groundwork.runs.model import Run, RunStatus
from tests.runs.world import World
from tests.simulation.cloud import NoAnswer, Sandbox, ask, pause
from tests.simulation.dynamodb import Database, Row
from tests.simulation.expressions import Item
from tests.simulation.invariants import Invariants
from tests.simulation.known import Known, Rows, Seen, demand, mark_of
from tests.simulation.provider import price
from tests.simulation.simulation import PROJECT, Simulation
from tests.tables import settings_at

TYPES: tuple[ReviewType, ...] = get_args(ReviewType)
SURVEY = Survey("main", "0" * 40, ("src/a.py", "README.md"), "# A", None)


@dataclass(slots=True)
class PlanInvariants(Invariants):
    """Invariants of runs and of the plans they write.

    `acknowledged`: edits confirmed to a user.
    """

    tables: Tables | None = None
    acknowledged: list[Plan] = field(default_factory=list)
    beside: Rows = field(default_factory=dict)

    def _examine(self, rows: Rows) -> None:
        self.beside = {key: change for key, change in rows.items() if key[0] == "plans"}
        for key, (before, after) in self.beside.items():
            if key[1].startswith("pl") and key[2] == "P" and before and after:
                self.a_plan_goes_forward(before, after)
        Invariants._examine(self, {key: change for key, change in rows.items() if key[0] != "plans"})

    def _starts_rightly(self, run: Run, rows: Rows) -> None:
        """A plan's run has neither key nor predecessor; the plan's lock decides on parallel runs."""

    def _came_to(self, known: Known, before: Run | None) -> None:
        """The run's items are parts of the plan, and the schedule does not retry it."""
        if before and before.status.active and not known.run.status.active:
            known.ended_at = self.seen.cloud.true_ms()
            demand(known.run.next_retry_at is None, "a_retry_is_due_as_the_items_say", known.run.id)

    def a_plan_goes_forward(self, before: Item, after: Item) -> None:
        """A generated plan never turns FAILED, and a failed one never turns generated."""
        was, now = before["status"]["S"], after["status"]["S"]
        demand(was in ("GENERATING", now), "a_plan_goes_forward", f"from {was} to {now}")
        older, newer = int(before["version"]["N"]), int(after["version"]["N"])
        demand(newer in (older, older + 1), "a_plan_goes_forward", f"from version {older} to {newer}")

    def children_come_with_their_item(self, rows: Rows, written: dict[Any, Item]) -> None:
        """One request writes a plan's tasks or suggestions and the journal line with their count."""
        counted = Counter[str]()
        for key, after in written.items():
            for line in LinesRow.from_raw_data(dict(after)).lines if key[2].startswith("J#") else ():
                counted[key[1]] += journal_entry_of(1, line).created
        heads = [after for key, (_, after) in self.beside.items() if key[2] == "P" and after]
        versions = [key for key in self.beside if key[2].startswith("V#")]
        made = sum(int(head["tasks"]["N"]) for head in heads) if versions else 0
        made += sum(key[2].startswith("S#") for key in self.beside)
        demand(counted.total() == made, "children_come_with_their_item", f"{made} made, {counted.total()} counted")

    def at_the_end(self, rows: dict[Any, Item]) -> None:
        Invariants.at_the_end(self, rows)
        for plan_id in {run_id.partition("-")[0] for run_id in self.seen.runs}:
            self.a_plan_is_as_its_runs_ended(plan_id)
        for plan in self.acknowledged:
            assert self.tables
            kept = self.tables.plans.at_version(plan.id, plan.version)
            demand(kept.content() == plan.content(), "an_edit_stays", f"{plan.id} version {plan.version}")

    def a_plan_is_as_its_runs_ended(self, plan_id: str) -> None:
        assert self.tables
        name, plans = "a_plan_is_as_its_runs_ended", self.tables.plans
        plan, first = plans.load(plan_id), self.seen.runs[f"{plan_id}-R1"].run
        # a cancel between the item's completion and the run's end comes too late
        good = first.completed == 1
        wanted = PlanStatus.DRAFT if good else PlanStatus.FAILED
        demand(plan.status is wanted, name, f"{plan_id} is {plan.status}, its generation {first.status}")
        demand(good or bool(plan.error and plan.version == 0 and not plan.phases), name, f"{plan_id}: half a plan")
        demand(plan.made_by == mark_of(first), "results_name_their_maker", f"{plan_id}: {plan.made_by}")
        for version in range(plan.version + 1):
            there = plans.at_version(plan_id, version)
            demand(faults_of(there, complete=version == 1) == [], name, f"{plan_id} version {version} is not valid")
        for iteration in plans.iterations(plan_id, None, 200):
            known = self.seen.runs.get(str(iteration.run_id))
            self._mark(iteration)
            if known:
                self._iteration(iteration, known.run, len(plans.suggestions(iteration)))
            demand(iteration.status is not IterationStatus.PENDING, name, f"{iteration.id} is still pending")

    def _mark(self, iteration: Iteration) -> None:
        """An iteration names the model of its run, or of the review whose suggestions it applies."""
        source = iteration.source_iteration_id or iteration.id
        known = self.seen.runs.get(source.replace("-I", "-R"))
        wanted = mark_of(known.run) if known else "person"
        demand(iteration.made_by == wanted, "results_name_their_maker", f"{iteration.id}: {iteration.made_by}")

    def _iteration(self, iteration: Any, run: Any, suggested: int) -> None:
        name = "a_plan_is_as_its_runs_ended"
        generated = run.id == f"{iteration.plan_id}-R1"
        wanted = {RunStatus.CANCELLED: IterationStatus.CANCELLED, RunStatus.FAILED: IterationStatus.FAILED}
        status = wanted.get(run.status, IterationStatus.DONE)
        if generated and run.completed:
            status = IterationStatus.DONE
        demand(iteration.status is status, name, f"{iteration.id} is {iteration.status}, {run.id} {run.status}")
        whole = iteration.status is IterationStatus.DONE
        demand(whole or bool(iteration.error), name, f"{iteration.id} does not say why it is {iteration.status}")
        if not generated:
            demand(suggested == run.created, name, f"{iteration.id} has {suggested} suggestions, counted {run.created}")


@dataclass
class PlanSimulation(Simulation):
    """Simulation with `scenario.items` as the number of requested plans."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.invariants = self.watch = PlanInvariants(Seen(self.cloud, self.provider))
        self.cloud.database = Database(self.cloud.true_ms, self.watch.on_write)
        self.cloud.on_invoke, self.provider.on_call = self.watch.on_invoke, self.watch.on_call
        self.tables = self.watch.tables = open_tables(settings_at("backlog", "runs"), now_ms=self.cloud.true_ms)
        self.people.invariants, self.people.tables = self.watch, self.tables

    def prepare(self, rows: Sequence[Row] = ()) -> None:
        World(self.tables, project_id=PROJECT)
        repository = Repository(id=new_repository_id(), name="R", url="/r", created_at="2026-01-01T00:00:00.000Z")
        self.repository = self.tables.repositories.create(repository)
        self.cloud.database.forget()

    # the functions

    async def _process_next(self, sandbox: Sandbox, run_id: str) -> str:
        tables = self.tables
        services = PlanServices(tables.plans, lambda repository: self._survey(sandbox), tables.templates.get)
        worker = HopRunner(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=run_handlers(self.tables.runs, services),
            model_for=lambda run: self.provider.model(sandbox, run),
            price=price,
            invoke=lambda run_id: ask("invoke", run_id),
            now_ms=sandbox.now_ms,
            left_ms=sandbox.left_ms,
            request_id=sandbox.request_id,
            io=sandbox.io,
        )
        end = await worker.hop(run_id)
        self.invariants.on_hop_ended(sandbox, run_id, end)
        return "lost" if end is HopEnd.LEASE_LOST else end.value

    def _survey(self, sandbox: Sandbox) -> Survey:
        if self.cloud.happens(self.faults.unreachable):
            raise RepositoryUnavailable("The repository 'R' could not be read.")
        return SURVEY

    @property
    def _generator(self) -> Generator:
        trigger = self._starter().trigger
        tables, now_ms = self.tables, self.cloud.true_ms
        return Generator(tables.plans, tables.backlog, tables.templates.get, trigger, now_ms, self._ai_and_model)

    @property
    def _editor(self) -> Editor:
        return Editor(self.tables.plans, self.tables.entries, self.cloud.true_ms, "somebody", lambda s: pause(0.05))

    # the people

    async def live(self) -> None:
        await asyncio.gather(*(self._author(number) for number in range(min(3, self.scenario.items))))

    async def _author(self, number: int) -> None:
        """Have a plan generated, then reviewed and edited at the same time."""
        await asyncio.sleep(self.random.uniform(0, 20))
        # a detailed plan is broken down in several parts
        request = GenerateRequest(
            repository_id=self.repository.id,
            title=f"Plan {number}",
            description="It resumes.",
            options=ModelOptions(mode=self.random.choice([Mode.COMPACT, Mode.DETAILED])),
        )
        accepted: GenerationStarted | None = await self._answered(self._generator.generate, request, "somebody")
        if accepted is None:
            return
        canceller = asyncio.create_task(self._cancel_in_between(accepted.run_id))
        await self.people.ended(accepted.run_id)
        await canceller
        plan = await self._answered(self.tables.plans.load, accepted.plan_id)
        if plan and plan.status is PlanStatus.DRAFT:
            await asyncio.gather(self._review(plan), self._edit_tasks(plan))

    async def _answered(self, call: Any, *arguments: Any) -> Any:
        """Return the call's response; None if it was lost or a refusal."""
        try:
            return await self.cloud.http(call, *arguments)
        except (NoAnswer, Refusal) as fault:
            self.cloud.note(f"{type(fault).__name__}")
            return None

    async def _cancel_in_between(self, run_id: str) -> None:
        if self.scenario.cancel_at is not None and self.random.random() < 0.5:
            await asyncio.sleep(self.scenario.cancel_at / 4)
            await self.people.cancel(run_id)

    async def _review(self, plan: Plan) -> None:
        reviewer = Reviewer(self.tables.plans, self._starter().trigger, self.cloud.true_ms, self._ai_and_model)
        for type_ in self.random.sample(TYPES, 2):
            accepted = await self._answered(reviewer.review, plan.id, ReviewRequest(review_type=type_), "somebody")
            if accepted is None:
                continue
            await self.people.ended(accepted.run_id)
            iteration = await self._answered(self.tables.plans.iteration, accepted.iteration_id)
            suggestions = await self._answered(self.tables.plans.suggestions, iteration) if iteration else None
            if suggestions:
                count = self.random.randint(1, len(suggestions))
                chosen = self.random.sample(range(len(suggestions)), count)
                choice = Choice(iteration_id=accepted.iteration_id, suggestion_indices=chosen)
                made = await self._answered(apply_suggestions, self.tables.plans, self._editor, plan.id, choice)
                self.watch.acknowledged += [made] if made else []

    async def _edit_tasks(self, plan: Plan) -> None:
        for number in range(self.scenario.edits):
            await asyncio.sleep(self.random.expovariate(0.2))
            task = self.random.choice(list(plan.tasks))
            change = UpdateTask(task_id=task.id, fields={"title": f"Edited {number}"})
            made = await self._answered(self._editor.edit, plan.id, [change])
            self.watch.acknowledged += [made] if made else []
