"""Requests on cards, epics, stories and subtasks, in common for all four kinds."""

import time
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from groundwork.adapters.dynamodb.backlog_rows import is_position
from groundwork.adapters.dynamodb.tables import Tables
from groundwork.api import http
from groundwork.api.deps import services
from groundwork.backlog.model import Artifact, Card, Story
from groundwork.backlog.requests import NewEpic, NewStory, NewSubtask, PartialUpdate, new_artifact, unknown_card_ids
from groundwork.errors import Invalid, NotFound, Transient
from groundwork.ids import Kind, Path, path_of

PURGE_SECONDS = 5.0
"""Time for the purge before a delete answers. The schedule does the rest."""


def items(router: APIGatewayHttpRouter) -> "Items":
    return Items(services(router).tables)


@dataclass(frozen=True, slots=True)
class Items:
    """Each method answers one request, as JSON. Raises NotFound for an unknown id."""

    tables: Tables

    def page(self, kind: Kind, parent: Path, limit: int, token: str | None) -> dict[str, Any]:
        after = http.position_of(token, lambda position: is_position(position, kind, parent))
        found, more = self.tables.entries.page(kind, parent, after, limit)
        return http.page([item.as_json() for item in found], more)

    def get(self, kind: Kind, id_: str) -> dict[str, Any]:
        return self._json(self.tables.entries.get(path_to(kind, id_)))

    def create(self, kind: Kind, parent: Path, body: NewEpic | NewStory | NewSubtask) -> dict[str, Any]:
        self._check_cards(body, parent.project_id)
        return self._json(self.tables.entries.create(kind, parent, lambda path, now: new_artifact(body, path, now)))

    def patch(self, kind: Kind, id_: str, patch: PartialUpdate) -> dict[str, Any]:
        path = path_to(kind, id_)
        self._check_cards(patch, path.project_id)
        return self._json(self.tables.entries.update(path, patch.changes()))

    def delete(self, kind: Kind, id_: str) -> Response[str]:
        path = path_to(kind, id_)
        self.tables.entries.delete(path)
        return purge(self.tables, path.project_id)

    def _check_cards(self, body: PartialUpdate, project_id: str) -> None:
        if problems := unknown_card_ids(getattr(body, "card_ids", ()), project_id, self.tables.entries.known_cards):
            raise Invalid(problems)

    def _json(self, item: Card | Artifact) -> dict[str, Any]:
        """The answer for a single story also holds the progress of its plans."""
        plans = {"plans": self.tables.plans.of_story(item.id)} if isinstance(item, Story) else {}
        return item.as_json() | plans


def purge(tables: Tables, project_id: str) -> Response[str]:
    """Delete rows without an owner, then answer a delete request."""
    ends = time.monotonic() + PURGE_SECONDS
    try:
        tables.purger.purge(project_id, lambda: time.monotonic() > ends)
    except Transient as fault:
        # the item is deleted; the sweep purges the remaining rows
        http.logger.warning("Purge postponed", project_id=project_id, fault=str(fault))
    return Response(204, "application/json", "")


def path_to(kind: Kind, id_: str) -> Path:
    """Parse an id of the URL. Raises NotFound."""
    path = path_of(kind, id_)
    if path is None:
        raise NotFound.of(kind.name.lower(), id_)
    return path


def parent_path(kind: Kind, id_: str, project_id: str, field: str) -> Path:
    """Parse an id of the body. Raises Invalid, naming the field, for an id of another project."""
    path = path_of(kind, id_)
    if path is None or path.project_id != project_id:
        raise Invalid.field(field, f"names no {kind.name.lower()} of this project")
    return path
