"""Rows of the plans table, with their keys.

    plan       / P                   the head: status, version, and the highest numbers used
               / V#000005            a version: phases and tasks in order, each with its revision
               / E#T17#3fb2…         one revision of the plan's own fields (D), a phase (H3) or a task (T17)
               / I#000007            an iteration
               / S#000007#000#0003   a suggestion of a review: its iteration, part and position
               / Q#000007#000        reasons for a part's dropped suggestions
               / X#T17               a task's execution; written by the execution alone
               / Y#00000012          the events of the plan's change with that seq
               / K#T17, D#T17        the session of a task's attempt, a patch; the parts follow
               / G#T17#…             a line of a task's log, by time and number
               / C#T17#task:2#j1     a job of checks of the second attempt; C#…#003 the result of a command
               / ROLLBACK            the claim of the check after a rollback
    repository / P, MEASURED#M       a repository, and measurements of its tasks by effort
               / BASELINE, C#…       its last baseline, and the checks of it
    template   / P, B#000            a template and its body, in pieces
    story      / plan                a link of the plan to the story, with its tasks
    ACCOUNT    / SLOTS, SANDBOXES    running tasks of the account with the plans waiting for a slot; open sandboxes
    SANDBOXES  / task:…T17:2         an open sandbox, by its owner
    PLANS, REPOSITORIES, TEMPLATES, repository / time#id    lists, newest first

Revisions are immutable. So one small transaction commits a version, however much of the plan is new, and a restore
refers to earlier revisions again.
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
    # on the head, not in the versions: a restore must not lead to reused ids
    last_phase = NumberAttribute(attr_name="lastPhase", default=0)
    last_task = NumberAttribute(attr_name="lastTask", default=0)
    last_iteration = NumberAttribute(attr_name="lastIteration", default=0)
    phase_count = NumberAttribute(attr_name="phases", default=0)
    task_count = NumberAttribute(attr_name="tasks", default=0)
    story_ids = CompactJson(attr_name="stories", null=True)
    error = UnicodeAttribute(attr_name="error", null=True)
    # here and not in a revision: 29c4d3d refuses unknown fields in those documents
    made_by = UnicodeAttribute(attr_name="madeBy", null=True)
    created_at = NumberAttribute(attr_name="createdAt")
    updated_at = NumberAttribute(attr_name="updatedAt")
    deleted_at = NumberAttribute(attr_name="deletedAt", null=True)
    # of the execution: everything but its status, and the counter raised by each change
    execution = CompactJson(attr_name="execution", null=True)
    seq = NumberAttribute(attr_name="seq", null=True)
    attention = UnicodeAttribute(attr_name="attention", null=True)
    attention_at = NumberAttribute(attr_name="attentionAt", null=True)
    attention_index = AttentionIndex()

    def summary(self) -> dict[str, Any]:
        """Return a plan's list entry."""
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
            "madeBy": self.made_by,
            "createdAt": rfc3339(int(self.created_at)),
            "updatedAt": rfc3339(int(self.updated_at)),
        }


class VersionRow(Model):
    """`index`: the revision of the plan's own fields, then each phase with its tasks.

    A phase is [number, revision, tasks], a task [number, revision].
    """

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
    """`body` holds the fields known at the start; the others follow when the model has ended."""

    class Meta:
        table_name = ""

    pk = UnicodeAttribute(attr_name="pk", hash_key=True)
    sk = UnicodeAttribute(attr_name="sk", range_key=True)
    body = CompactJson(attr_name="body")
    status = UnicodeAttribute(attr_name="status")
    version = NumberAttribute(attr_name="version")
    changes = CompactJson(attr_name="changes", null=True)
    error = UnicodeAttribute(attr_name="error", null=True)
    made_by = UnicodeAttribute(attr_name="madeBy", null=True)


class LinkRow(Model):
    """Links a plan to a story: [task number, subtask number] pairs."""

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
        made_by=plan.made_by,
        created_at=to_ms(plan.created_at),
        updated_at=to_ms(plan.updated_at),
    )


def link_rows(plan: Plan) -> dict[str, LinkRow]:
    """Return link rows by story."""
    subtasks = {task.id: path_of(Kind.SUBTASK, task.subtask_id or "") for task in plan.tasks}
    rows = {}
    for story_id, task_ids in links(plan).items():
        lines = [[suffix(id_), path.number if (path := subtasks[id_]) else None] for id_ in task_ids]
        rows[story_id] = LinkRow(story_id, plan.id, tasks=lines)
    return rows


def iteration_row(iteration: Iteration) -> IterationRow:
    apart = {"suggestions", "changes", "status", "version", "dropped", "error", "made_by", "id", "plan_id"}
    return IterationRow(
        iteration.plan_id,
        iteration_key(iteration.number),
        body=iteration.stored(exclude=apart, exclude_none=True),
        status=iteration.status.value,
        version=iteration.version,
        changes=list(iteration.changes) or None,
        error=iteration.error,
        made_by=iteration.made_by,
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
            "madeBy": row.made_by,
        }
    )


def suffix(id_: str) -> str:
    """Return an id's last part: T17."""
    return id_.rpartition("-")[2]
