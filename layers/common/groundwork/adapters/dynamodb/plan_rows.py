"""The rows of the plans table and what they mean.

    plan       / P                   the head: its status, its version, the numbers given so far
               / V#000005            a version: which phases and tasks, in which order, each at which revision
               / E#T17#3fb2…         one revision of the plan's own fields (D), a phase (H3) or a task (T17)
               / I#000007            an iteration
               / S#000007#000#0003   a suggestion of a review: its iteration, part and position
               / Q#000007#000        why a part's other suggestions are not offered
               / X#T17               what execution has made of a task; written by execution alone
               / Y#00000012          what has happened to the plan: the events of the change with that seq
               / K#T17, D#T17        the session of a task's attempt, a patch; their parts are below
               / G#T17#…             a line of a task's log, by the time and a number
    repository / P, MEASURED#M       a repository, and what tasks of an effort have taken in it
               / MEASURED#M          what tasks of an effort have taken in it, added up
    template   / P, B#000            a template and its body, in pieces
    story      / plan                that the plan carries out the story, and by which of its tasks
    ACCOUNT    / SLOTS               how many tasks are at work in the account, and which plans wait for room
    PLANS, REPOSITORIES, TEMPLATES, repository / time#id    lists, newest first

Revisions are never changed: a version is committed by one small transaction, however much of the plan is new, and an
earlier version is restored by naming its revisions again.
"""

import re
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from groundwork.adapters.dynamodb.backlog_rows import AttentionIndex, to_ms
from groundwork.adapters.dynamodb.run_rows import CompactJson
from groundwork.backlog.model import rfc3339
from groundwork.ids import Kind, Path, path_of
from groundwork.plans.history import Iteration, IterationStatus
from groundwork.plans.model import Plan, links

HEAD = "P"


class PlanRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True, default=HEAD)
    repository_id = UnicodeAttribute(attr_name="repositoryId")
    title = UnicodeAttribute(attr_name="title")
    status = UnicodeAttribute(attr_name="status")
    version = NumberAttribute(attr_name="version", default=0)
    last_phase = NumberAttribute(attr_name="lastPhase", default=0)
    last_task = NumberAttribute(attr_name="lastTask", default=0)
    last_iteration = NumberAttribute(attr_name="lastIteration", default=0)
    phase_count = NumberAttribute(attr_name="phases", default=0)
    task_count = NumberAttribute(attr_name="tasks", default=0)
    story_ids = CompactJson(attr_name="stories", null=True)
    error = UnicodeAttribute(attr_name="error", null=True)
    created_at = NumberAttribute(attr_name="createdAt")
    updated_at = NumberAttribute(attr_name="updatedAt")
    deleted_at = NumberAttribute(attr_name="deletedAt", null=True)
    # of its execution: all but its status, and the number that every change of it raises
    execution = CompactJson(attr_name="execution", null=True)
    seq = NumberAttribute(attr_name="seq", null=True)
    attention = UnicodeAttribute(attr_name="attention", null=True)
    attention_at = NumberAttribute(attr_name="attentionAt", null=True)
    attention_index = AttentionIndex()

    def summary(self) -> dict[str, Any]:
        """What a list shows of a plan."""
        return {
            "id": self.pk,
            "repositoryId": self.repository_id,
            "title": self.title,
            "status": self.status,
            "version": int(self.version),
            "phaseCount": int(self.phase_count),
            "taskCount": int(self.task_count),
            "storyIds": list(self.story_ids or ()),
            "error": self.error,
            "createdAt": rfc3339(int(self.created_at)),
            "updatedAt": rfc3339(int(self.updated_at)),
        }


class VersionRow(Model):
    """`index`: the revision of the plan's own fields, then each phase's number, revision and [task, revision] pairs."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    index = CompactJson(attr_name="i")


class ContentRow(Model):
    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    content = CompactJson(attr_name="c")


class IterationRow(Model):
    """`body` is what was known when it began; the rest comes when the model has ended."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    body = CompactJson(attr_name="body")
    status = UnicodeAttribute(attr_name="status")
    version = NumberAttribute(attr_name="version")
    changes = CompactJson(attr_name="changes", null=True)
    error = UnicodeAttribute(attr_name="error", null=True)


class LinkRow(Model):
    """That a plan carries out a story: by which tasks, and the number of the subtask that each of them carries out."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    tasks = CompactJson(attr_name="tasks")


def version_key(version: int) -> str:
    return f"V#{version:06d}"


def iteration_key(number: int) -> str:
    return f"I#{number:06d}"


def content_key(element: str, revision: str) -> str:
    return f"E#{element}#{revision}"


def is_iteration_position(text: str) -> bool:
    return re.fullmatch("[1-9][0-9]{0,5}", text) is not None


def plan_row(plan: Plan, last_iteration: int) -> PlanRow:
    return PlanRow(
        plan.id,
        repository_id=plan.repository_id,
        title=plan.title,
        status=plan.status.value,
        version=plan.version,
        last_phase=plan.last_phase,
        last_task=plan.last_task,
        last_iteration=last_iteration,
        phase_count=len(plan.phases),
        task_count=sum(1 for _ in plan.tasks),
        story_ids=list(links(plan)) or None,
        error=plan.error,
        created_at=to_ms(plan.created_at),
        updated_at=to_ms(plan.updated_at),
    )


def link_rows(plan: Plan) -> dict[str, LinkRow]:
    """By story."""
    subtasks = {task.id: path_of(Kind.SUBTASK, task.subtask_id or "") for task in plan.tasks}
    rows = {}
    for story_id, task_ids in links(plan).items():
        lines = [[suffix(id_), path.number if (path := subtasks[id_]) else None] for id_ in task_ids]
        rows[story_id] = LinkRow(story_id, plan.id, tasks=lines)
    return rows


def iteration_row(iteration: Iteration) -> IterationRow:
    apart = {"suggestions", "changes", "status", "version", "dropped", "error", "id", "plan_id"}
    return IterationRow(
        iteration.plan_id,
        iteration_key(iteration.number),
        body=iteration.stored(exclude=apart, exclude_none=True),
        status=iteration.status.value,
        version=iteration.version,
        changes=list(iteration.changes) or None,
        error=iteration.error,
    )


def iteration_of(row: IterationRow) -> Iteration:
    number = int(row.sk[2:])
    return Iteration.read(
        row.body
        | {
            "id": str(Path(Kind.ITERATION, row.pk, (number,))),
            "planId": row.pk,
            "status": IterationStatus(row.status),
            "version": int(row.version),
            "changes": row.changes or [],
            "changeCount": row.body.get("changeCount") or len(row.changes or ()),
            "error": row.error,
        }
    )


def suffix(id_: str) -> str:
    """What an id says below its plan: T17."""
    return id_.rpartition("-")[2]
