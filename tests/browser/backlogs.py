"""Prepared backlogs, for runs starting in the middle."""

from tests.system.client import Client

VERBS = ("Find", "Export", "Share", "Sort", "Print", "Archive", "Undo", "Compare")


def with_stories(client: Client, count: int) -> str:
    """Create a project with one epic and some stories without subtasks; return its id."""
    http = client.http
    project: str = client.ok(http.post("/api/projects", json={"name": "Reports"}))["id"]
    epic = client.ok(http.post(f"/api/projects/{project}/epics", json={"title": "Reports people like"}))["id"]
    for verb in VERBS[:count]:
        story = {
            "title": f"{verb} a report",
            "role": "clerk",
            "want": f"to {verb.lower()} it",
            "benefit": "I save time",
        }
        client.ok(http.post(f"/api/epics/{epic}/stories", json=story))
    return project
