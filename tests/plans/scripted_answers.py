"""Scripted answers of a model to questions about plans."""

from typing import Any


def written(key: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    texts = {"title": f"Do {key}", "description": "It.", "acceptance_criteria": ["It is done."], "effort": "S"}
    return texts | {"key": key, "files": [], "depends_on": list(depends_on), "ref": ""} | fields


def phases(*tasks: dict[str, Any], mode: str = "parallel") -> dict[str, Any]:
    phase = {"title": "Work", "description": "It.", "mode": mode, "pause_after": False, "tasks": list(tasks)}
    return {"phases": [phase]}


FIVE = [written(f"t{n}") for n in range(5)]
