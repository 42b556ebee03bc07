"""Create plans without the model: by hand, from a template, or from stories."""

from collections.abc import Callable
from dataclasses import dataclass

from groundwork.backlog.model import BY_PERSON
from groundwork.errors import Invalid, NotFound
from groundwork.plans import templates
from groundwork.plans.draft import PhaseDraft, add_phases
from groundwork.plans.links import StoryReader, phases_of_stories
from groundwork.plans.model import Plan
from groundwork.plans.requests import NewPlan
from groundwork.plans.templates import Template


@dataclass(frozen=True, slots=True)
class Source:
    """Content of a new plan; `summary` tells its origin in one line."""

    title: str
    description: str
    phases: tuple[PhaseDraft, ...]
    summary: str


def make_source(body: NewPlan, template: Callable[[str], Template], backlog: StoryReader) -> Source:
    """Return the content of a new plan. Raises Invalid."""
    if body.template_id is not None:
        return _from_template(body, template)
    if body.parameters:
        raise Invalid.field("parameters", "require a templateId")
    if body.phases is None and body.story_ids:
        return _from_stories(body, backlog)
    if body.title is None:
        raise Invalid.field("title", "is required")
    return Source(body.title, body.description or "", body.phases or (), "Created by hand")


def plan_factory(body: NewPlan, source: Source) -> Callable[[str, str], Plan]:
    """Return a function to build the plan from its id and the time. It raises InvalidPlan."""

    def draft(plan_id: str, now: str) -> Plan:
        bare = Plan(
            id=plan_id,
            repository_id=body.repository_id,
            title=source.title.strip(),
            description=source.description,
            branch=body.branch,
            auto_commit=body.auto_commit,
            max_parallel=body.max_parallel,
            story_ids=tuple(dict.fromkeys(body.story_ids)),
            made_by=BY_PERSON,
            created_at=now,
            updated_at=now,
        )
        return add_phases(bare, source.phases)

    return draft


def _from_template(body: NewPlan, template: Callable[[str], Template]) -> Source:
    if body.phases is not None:
        raise Invalid.field("phases", "cannot be combined with a templateId")
    try:
        chosen = template(body.template_id or "")
    except NotFound as missing:
        raise Invalid.field("templateId", str(missing)) from None
    filled = templates.fill(chosen, body.parameters)
    description = filled.plan_description if body.description is None else body.description
    return Source(body.title or filled.title, description, filled.phases, f"Made from the template {chosen.name!r}")


def _from_stories(body: NewPlan, backlog: StoryReader) -> Source:
    phases = phases_of_stories(body.story_ids, backlog)
    title = body.title or phases[0].title
    return Source(title, body.description or "", phases, f"Made from {_story_count(len(phases))}")


def _story_count(stories: int) -> str:
    return "1 story" if stories == 1 else f"{stories} stories"
