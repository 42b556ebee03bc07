"""Templates: reusable plans with named parameters, written {{name}} in their texts."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import Field, ValidationError

from groundwork.backlog.model import LongText
from groundwork.errors import Invalid
from groundwork.plans import validation
from groundwork.plans.draft import PhaseDraft, Phases, TaskDraft, add_phases
from groundwork.plans.model import Plan
from groundwork.plans.model import Title as PlanTitle
from groundwork.values import Stored, stored_as

NAME = r"[a-z][A-Za-z0-9]{0,39}"
_PLACEHOLDER = re.compile(rf"\{{\{{\s*({NAME})\s*\}}\}}")
ParameterValue = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]


class Parameter(Stored):
    name: Annotated[Annotated[str, Field(pattern=rf"^{NAME}$")], stored_as("name")]
    description: Annotated[Annotated[str, Field(max_length=300)], stored_as("description")] = ""
    default: Annotated[ParameterValue | None, stored_as("default")] = None


class Template(Stored):
    """A stored template. `builtin` ones are part of the release and cannot be deleted."""

    id: Annotated[str, stored_as("id")]
    name: Annotated[Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")], stored_as("name")]
    description: Annotated[LongText, stored_as("description")] = ""
    parameters: Annotated[Annotated[tuple[Parameter, ...], Field(max_length=30)], stored_as("parameters")] = ()
    title: Annotated[PlanTitle, stored_as("title")]
    plan_description: Annotated[Annotated[str, Field(max_length=20_000)], stored_as("planDescription")] = ""
    phases: Annotated[Phases, stored_as("phases")] = ()
    builtin: Annotated[bool, stored_as("builtin")] = False
    created_at: Annotated[str, stored_as("createdAt")]

    def brief(self) -> dict[str, Any]:
        """Return the list entry: the numbers of phases and tasks, without their content."""
        tasks = sum(len(phase.tasks) for phase in self.phases)
        shown = self.stored(exclude={"phases", "plan_description"})
        return shown | {"phaseCount": len(self.phases), "taskCount": tasks}


def template_of(plan: Plan) -> tuple[PhaseDraft, ...]:
    """Return the plan's phases with keys in place of ids, without links of this plan."""
    keys = {task.id: task.key for task in plan.tasks}

    def draft(task: Any) -> TaskDraft:
        fields = task.model_dump(exclude={"id", "story_id", "subtask_id", "repository_id"})
        fields |= {
            "depends_on": tuple(keys[id_] for id_ in task.depends_on),
            "condition": _condition_by_key(task, keys),
        }
        return TaskDraft(**fields)

    return tuple(
        PhaseDraft(
            title=phase.title,
            description=phase.description,
            mode=phase.mode,
            pause_after=phase.pause_after,
            condition=_condition_by_key(phase, keys),
            tasks=tuple(draft(task) for task in phase.tasks),
        )
        for phase in plan.phases
    )


def _condition_by_key(element: Any, keys: Mapping[str, str]) -> Any:
    condition = element.condition
    return condition and condition.model_copy(update={"task_id": keys[condition.task_id]})


def insert_placeholders(template: Template, replace: Mapping[str, str]) -> Template:
    """Replace the given texts by placeholders of their parameters.

    Longest first: one text may be part of another.
    """
    if not replace:
        return template
    names = {text: name for name, text in replace.items()}
    found = re.compile("|".join(re.escape(text) for text in sorted(names, key=len, reverse=True)))
    body = template.model_dump(mode="json")
    for part in ("title", "plan_description"):
        body[part] = found.sub(lambda match: f"{{{{{names[match[0]]}}}}}", body[part])
    body["phases"] = [_replace_texts(phase, found, names) for phase in body["phases"]]
    return _validate(body)


_TEXTS = ("title", "description", "acceptance_criteria", "files", "tasks")


def _replace_texts(node: Any, found: re.Pattern[str], names: Mapping[str, str]) -> Any:
    """Replace in texts only: a placeholder in a key would break the dependencies."""
    if isinstance(node, str):
        return found.sub(lambda match: f"{{{{{names[match[0]]}}}}}", node)
    if isinstance(node, list):
        return [_replace_texts(part, found, names) for part in node]
    return {name: _replace_texts(value, found, names) if name in _TEXTS else value for name, value in node.items()}


def placeholders(template: Template) -> set[str]:
    """Names of all placeholders in the texts."""
    body = template.model_dump(include={"title", "plan_description", "phases"})
    return {found for text in _texts(body) for found in _PLACEHOLDER.findall(text)}


def check(template: Template) -> Template:
    """Raise Invalid for undeclared parameters, InvalidPlan if no valid plan can result."""
    names = [parameter.name for parameter in template.parameters]
    if len(set(names)) < len(names):
        raise Invalid.field("parameters", "two parameters have the same name")
    if missing := sorted(placeholders(template) - set(names)):
        raise Invalid.field("parameters", f"the texts use undeclared parameters: {', '.join(missing)}")
    # a plan made from it is validated again, but its author should not be the one to find the fault
    plan = Plan(id="", repository_id="", title=template.title, created_at="", updated_at="")
    validation.check(add_phases(plan, template.phases))
    return template


def fill(template: Template, values: Mapping[str, str]) -> Template:
    """Fill in the placeholders. Raises Invalid for missing or unknown values, or too long texts.

    Values are not searched for placeholders again.
    """
    known = {parameter.name: parameter.default for parameter in template.parameters}
    problems = [
        {"field": f"parameters.{name}", "message": "is not a parameter of this template"}
        for name in values.keys() - known
    ]
    all_values = known | dict(values)
    problems += [
        {"field": f"parameters.{name}", "message": "is required"} for name, value in all_values.items() if value is None
    ]
    if problems:
        raise Invalid(sorted(problems, key=lambda problem: problem["field"]))
    body = template.model_dump(mode="json")
    for name in ("title", "plan_description", "phases"):
        body[name] = _fill(body[name], all_values)
    return _validate(body)


def _validate(body: dict[str, Any]) -> Template:
    # a valid template and valid values can still make a text too long
    try:
        return Template.model_validate(body)
    except ValidationError as fault:
        first = fault.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Invalid.field("parameters", f"make {field} invalid: {first['msg']}") from None


def _fill(node: Any, values: Mapping[str, str | None]) -> Any:
    if isinstance(node, str):
        return _PLACEHOLDER.sub(lambda match: values[match[1]] or "", node)
    if isinstance(node, dict):
        return {name: _fill(value, values) for name, value in node.items()}
    return [_fill(part, values) for part in node] if isinstance(node, list) else node


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _texts(part)


@cache
def builtin_templates() -> dict[str, Template]:
    """Return the built-in templates by id."""
    data = json.loads(files("groundwork.plans").joinpath("templates.json").read_text(encoding="utf-8"))
    return {line["id"]: Template.model_validate(line) for line in data}
