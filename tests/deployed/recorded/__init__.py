"""The routes of version 0.1.0, each an event of a function with its name."""

import json
from pathlib import Path

from checks.routes import Route
from checks.sam import Template, source, translated

_ROWS = json.loads((Path(__file__).parent / "routes_0_1_0.json").read_text())


def recorded_routes() -> set[Route]:
    return {Route(row["method"], row["path"], row["function"], row["open"]) for row in _ROWS}


def translated_with_events(without: tuple[str, ...] = ()) -> Template:
    """Translate today's template with the recorded routes as events.

    `without` leaves out events.
    """
    template = source()
    found = template["Resources"]
    del found["Api"]["Properties"]["DefinitionBody"]
    for logical_id in [name for name, one in found.items() if one["Type"] == "AWS::Lambda::Permission"]:
        del found[logical_id]
    for row in _ROWS:
        if row["event"] not in without:
            properties = {"ApiId": {"Ref": "Api"}, "Method": row["method"], "Path": row["path"]}
            properties |= {"Auth": {"Authorizer": "NONE"}} if row["open"] else {}
            events = found[row["function"]]["Properties"].setdefault("Events", {})
            events[row["event"]] = {"Type": "HttpApi", "Properties": properties}
    return translated(template)
