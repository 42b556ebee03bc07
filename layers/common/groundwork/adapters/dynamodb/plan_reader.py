"""Read plans, versions, iterations and suggestions.

Reads are consistent: writers see their own edits.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from groundwork.adapters.dynamodb.client import translate_errors
from groundwork.adapters.dynamodb.execution_rows import StateRow, read_task_state, state_key
from groundwork.adapters.dynamodb.plan_lists import PLANS, list_ids
from groundwork.adapters.dynamodb.plan_rows import (
    HEAD,
    ContentRow,
    IterationRow,
    LinkRow,
    PlanRow,
    VersionRow,
    iteration_key,
    iteration_of,
    version_key,
)
from groundwork.adapters.dynamodb.plan_versions import keys_of, plan_of
from groundwork.errors import NotFound, Transient
from groundwork.ids import Kind, path_of
from groundwork.plans.history import Iteration, IterationKind
from groundwork.plans.links import progress_on_story
from groundwork.plans.model import Plan, TaskState
from groundwork.plans.suggestions import Suggestion


class PlanReader:
    """Raises NotFound; Transient from every method."""

    def load(self, plan_id: str) -> Plan:
        head = self._head(plan_id)
        return self._version(head, int(head.version))

    def at_version(self, plan_id: str, version: int) -> Plan:
        return self._version(self._head(plan_id), version)

    def summary(self, plan_id: str) -> dict[str, Any]:
        return self._head(plan_id).summary()

    def page(
        self, repository_id: str | None, before: str | None, limit: int
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Return plans in brief, newest first (all, or a repository's), and the next position."""
        ids, more = list_ids(repository_id or PLANS, before, limit)
        return _summaries(ids), more

    def every(self) -> Iterator[str]:
        """Ids of all plans, newest first."""
        position: str | None = None
        while True:
            ids, position = list_ids(PLANS, position, 200)
            yield from ids
            if position is None:
                return

    def of_story(self, story_id: str) -> list[dict[str, Any]]:
        """Return the progress of each plan linked to the story (`links.progress_on_story`)."""
        with translate_errors():
            rows = list(LinkRow.query(story_id, consistent_read=True))
        tasks = {row.sk: [_task_and_subtask(row, *line) for line in row.tasks] for row in rows}
        states = _states([(plan_id, id_) for plan_id, lines in tasks.items() for id_, _ in lines])
        return [progress_on_story(summary, tasks[summary["id"]], states) for summary in _summaries(list(tasks))]

    def states(self, plan_id: str) -> dict[str, TaskState]:
        with translate_errors():
            heads = list(PlanRow.query(plan_id, PlanRow.sk == HEAD, consistent_read=True))
            rows = list(StateRow.query(plan_id, StateRow.sk.startswith("X#"), consistent_read=True))
        # states of earlier rounds do not count after a restart of the plan
        round_ = int((heads[0].execution or {}).get("round", 0)) if heads else 0
        return {f"{plan_id}-{row.sk[2:]}": read_task_state(row) for row in rows if int(row.round or 0) >= round_}

    def iteration(self, iteration_id: str) -> Iteration:
        path = path_of(Kind.ITERATION, iteration_id)
        if path is None:
            raise NotFound.of("iteration", iteration_id)
        self._head(path.project_id)
        try:
            with translate_errors():
                row = IterationRow.get(path.project_id, iteration_key(path.number), consistent_read=True)
        except IterationRow.DoesNotExist:
            raise NotFound.of("iteration", iteration_id) from None
        return iteration_of(row)

    def iterations(self, plan_id: str, before: int | None, limit: int) -> list[Iteration]:
        """Return iterations with a number below `before`, newest first."""
        self._head(plan_id)
        # keys have six digits: none is above this one
        between = IterationRow.sk.between(iteration_key(0), iteration_key((before or 1_000_000) - 1))
        with translate_errors():
            rows = IterationRow.query(plan_id, between, scan_index_forward=False, limit=limit, consistent_read=True)
            return [iteration_of(row) for row in rows]

    def before_and_after(self, iteration: Iteration) -> tuple[Plan, Plan]:
        """Return the two versions around an iteration; the same one twice if nothing changed."""
        after = self.at_version(iteration.plan_id, iteration.version)
        if iteration.from_version == iteration.version:
            return after, after
        # nothing precedes the first version: an empty plan stands for it
        if iteration.from_version == 0:
            return after.changed(version=0, phases=()), after
        return self.at_version(iteration.plan_id, iteration.from_version), after

    def with_suggestions(self, iteration: Iteration) -> tuple[Iteration, list[Suggestion]]:
        """Return a review with its suggestions, and the reasons for dropped ones."""
        if iteration.kind is not IterationKind.REVIEWED:
            return iteration, []
        return iteration.model_copy(update={"dropped": self.dropped(iteration)}), self.suggestions(iteration)

    def suggestions(self, iteration: Iteration) -> list[Suggestion]:
        """Return suggestions in the order of their indices."""
        return [Suggestion.read(row.content) for row in self._of_iteration("S", iteration)]

    def dropped(self, iteration: Iteration) -> tuple[str, ...]:
        """Return the reasons why suggestions of the model were dropped."""
        return tuple(str(reason) for row in self._of_iteration("Q", iteration) for reason in row.content)

    def _of_iteration(self, letter: str, iteration: Iteration) -> list[ContentRow]:
        start = f"{letter}#{iteration.number:06d}#"
        with translate_errors():
            return list(ContentRow.query(iteration.plan_id, ContentRow.sk.startswith(start), consistent_read=True))

    def _head(self, plan_id: str) -> PlanRow:
        if path_of(Kind.PLAN, plan_id) is None:
            raise NotFound.of("plan", plan_id)
        try:
            with translate_errors():
                row = PlanRow.get(plan_id, HEAD, consistent_read=True)
        except PlanRow.DoesNotExist:
            raise NotFound.of("plan", plan_id) from None
        if row.deleted_at is not None:
            raise NotFound.of("plan", plan_id)
        return row

    def _version(self, head: PlanRow, version: int) -> Plan:
        index = self._index(head.pk, version)
        keys = [(head.pk, sk) for sk in dict.fromkeys(keys_of(index))]
        with translate_errors():
            # consistent: the revisions may be brand new
            content = {row.sk: row.content for row in ContentRow.batch_get(keys, consistent_read=True)}
        if len(content) < len(keys):
            self._head(head.pk)  # deleted and purged between the reads
            raise Transient("The plan could not be read completely.")
        return plan_of(head, version, index, content)

    def _index(self, plan_id: str, version: int) -> list[Any]:
        with translate_errors():
            rows = list(VersionRow.query(plan_id, VersionRow.sk == version_key(version), consistent_read=True))
        if not rows:
            raise NotFound(f"The plan {plan_id!r} has no version {version}.")
        return list(rows[0].index)


def _task_and_subtask(row: LinkRow, number: str, subtask: int | None, *_: Any) -> tuple[str, str | None]:
    """Return the ids of a task and of its subtask."""
    return f"{row.sk}-{number}", None if subtask is None else f"{row.pk}-{Kind.SUBTASK.value}{subtask}"


def _summaries(ids: Sequence[str]) -> list[dict[str, Any]]:
    with translate_errors():
        keys = [(id_, HEAD) for id_ in ids]
        found = {row.pk: row for row in PlanRow.batch_get(keys, consistent_read=True)} if ids else {}
    return [found[id_].summary() for id_ in ids if id_ in found and found[id_].deleted_at is None]


def _states(tasks: Sequence[tuple[str, str]]) -> dict[str, TaskState]:
    keys = [(plan_id, state_key(id_)) for plan_id, id_ in tasks]
    with translate_errors():
        rows = list(StateRow.batch_get(keys, consistent_read=True)) if keys else []
    return {f"{row.pk}-{row.sk[2:]}": read_task_state(row) for row in rows}
