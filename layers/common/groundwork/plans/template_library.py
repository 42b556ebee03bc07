"""Saved templates, and the list of all templates: built-in ones first."""

from collections.abc import Callable
from typing import Any

from groundwork.errors import Invalid, NotFound
from groundwork.ids import new_template_id
from groundwork.plans.model import Plan
from groundwork.plans.requests import NewTemplate
from groundwork.plans.templates import Template, builtin_templates, check, insert_placeholders, template_of

SavedPage = Callable[[str | None, int], tuple[list[dict[str, Any]], str | None]]
"""Takes a position and a limit; returns a page of saved templates and the next position."""


def new_template(body: NewTemplate, plan: Callable[[str], Plan], now: str) -> Template:
    """Make a template from a plan or from the body. Raises Invalid, InvalidPlan."""
    source = _from_plan(body, plan) if body.plan_id is not None else _from_body(body)
    template = Template(
        id=new_template_id(),
        name=body.name.strip(),
        description=body.description,
        parameters=body.parameters,
        created_at=now,
        **source,
    )
    if unknown := sorted(body.replace.keys() - {parameter.name for parameter in body.parameters}):
        raise Invalid.field("replace", f"{unknown[0]} is not a parameter")
    return check(insert_placeholders(template, body.replace))


def _from_plan(body: NewTemplate, plan: Callable[[str], Plan]) -> dict[str, Any]:
    if body.phases is not None:
        raise Invalid.field("phases", "cannot be combined with a planId")
    try:
        source = plan(body.plan_id or "")
    except NotFound as missing:
        raise Invalid.field("planId", str(missing)) from None
    description = source.description if body.plan_description is None else body.plan_description
    return {
        "title": body.title or source.title,
        "plan_description": description,
        "phases": template_of(source),
    }


def _from_body(body: NewTemplate) -> dict[str, Any]:
    if body.title is None or body.phases is None:
        raise Invalid.field("planId", "is required, or a title and phases")
    return {"title": body.title, "plan_description": body.plan_description or "", "phases": body.phases}


def page(position: str | None, limit: int, saved: SavedPage) -> tuple[list[dict[str, Any]], str | None]:
    """List built-in templates, then saved ones, newest first.

    A position is a number of built-in templates, or a position of the saved list.
    """
    builtin_entries = [template.brief() for template in builtin_templates().values()]
    skipped = int(position) if position and position.isdigit() else 0 if position is None else len(builtin_entries)
    entries = builtin_entries[skipped : skipped + limit]
    if len(entries) == limit:
        return entries, str(skipped + limit)
    saved_entries, next_position = saved(
        position if position and not position.isdigit() else None, limit - len(entries)
    )
    return [*entries, *saved_entries], next_position


def is_builtin_position(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 3
