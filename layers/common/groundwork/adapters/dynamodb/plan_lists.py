"""Stores of repositories and templates, and the lists of the plans table."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from pynamodb.connection import Connection

from groundwork.adapters.dynamodb.backlog_rows import to_ms
from groundwork.adapters.dynamodb.check_rows import BaselineRow, CheckResultRow
from groundwork.adapters.dynamodb.client import Cancelled, ConditionFailed, Transaction, translate_errors
from groundwork.adapters.dynamodb.list_rows import (
    ListRow,
    MeasureRow,
    PieceRow,
    RepositoryRow,
    TemplateRow,
    list_key,
    measure_key,
)
from groundwork.adapters.dynamodb.plan_rows import HEAD
from groundwork.adapters.dynamodb.purge import delete_partition
from groundwork.backlog.model import rfc3339
from groundwork.checks.model import CheckSettings
from groundwork.errors import NotFound, TooLarge, Transient
from groundwork.ids import REPOSITORY_ID, TEMPLATE_ID
from groundwork.plans.errors import BuiltinTemplate, RepositoryInUse
from groundwork.plans.graph import SECONDS
from groundwork.plans.repositories import Repository
from groundwork.plans.templates import Template, builtin_templates
from groundwork.values import Stored

PLANS, REPOSITORIES, TEMPLATES = "PLANS", "REPOSITORIES", "TEMPLATES"
PIECE_CHARS = 100_000
"""Characters of a template in one row: at most four bytes each, and a row holds 400 KB."""

MAX_PIECES = 40


class DynamoRepositories:
    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection

    def create(self, repository: Repository) -> Repository:
        transaction = Transaction(self._connection())
        transaction.put(_row(repository), RepositoryRow.pk.does_not_exist())
        transaction.put(ListRow(REPOSITORIES, list_key(to_ms(repository.created_at), repository.id)))
        transaction.commit()
        return repository

    def get(self, repository_id: str) -> Repository:
        if not REPOSITORY_ID.fullmatch(repository_id):
            raise NotFound.of("repository", repository_id)
        try:
            with translate_errors():
                return _repository(RepositoryRow.get(repository_id, HEAD, consistent_read=True))
        except RepositoryRow.DoesNotExist:
            raise NotFound.of("repository", repository_id) from None

    def update(self, repository_id: str, changes: Mapping[str, Any]) -> Repository:
        self.get(repository_id)
        attributes = {name: getattr(RepositoryRow, name) for name in changes}
        actions = [
            attributes[name].remove() if value is None else attributes[name].set(_stored(value))
            for name, value in changes.items()
        ]
        try:
            with translate_errors():
                RepositoryRow(repository_id).update(actions=actions, condition=RepositoryRow.url.exists())
        except ConditionFailed:
            raise NotFound.of("repository", repository_id) from None
        return self.get(repository_id)

    def delete(self, repository_id: str) -> None:
        """Raises RepositoryInUse if the repository has plans."""
        repository = self.get(repository_id)
        transaction = Transaction(self._connection())
        # an exact count: it changes in the transactions that create and delete plans
        transaction.delete(RepositoryRow(repository_id), RepositoryRow.plans == 0)
        transaction.delete(ListRow(REPOSITORIES, list_key(to_ms(repository.created_at), repository_id)))
        # DynamoDB reports no error for the delete of a missing row
        for effort in SECONDS:
            transaction.delete(MeasureRow(repository_id, measure_key(effort)))
        transaction.delete(BaselineRow(repository_id))
        try:
            transaction.commit()
        except Cancelled:
            self.get(repository_id)
            raise RepositoryInUse from None
        # results of the baseline: nothing leads to them any more
        with suppress(Transient):
            delete_partition(CheckResultRow, repository_id, lambda: False)

    def page(self, before: str | None, limit: int) -> tuple[list[Repository], str | None]:
        ids, more = list_ids(REPOSITORIES, before, limit)
        with translate_errors():
            keys = [(id_, HEAD) for id_ in ids]
            found = {row.pk: row for row in RepositoryRow.batch_get(keys, consistent_read=True)} if ids else {}
        return [_repository(found[id_]) for id_ in ids if id_ in found], more


class DynamoTemplates:
    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection

    def create(self, template: Template) -> None:
        """Raises TooLarge."""
        body = template.stored_json()
        pieces = [body[start : start + PIECE_CHARS] for start in range(0, len(body), PIECE_CHARS)]
        if len(pieces) > MAX_PIECES:
            raise TooLarge("The template exceeds the size limit.")
        # pieces before the head: a template cut off half-way is never found
        with translate_errors(), PieceRow.batch_write() as batch:
            for number, text in enumerate(pieces):
                batch.save(PieceRow(template.id, f"B#{number:03d}", text=text))
        transaction = Transaction(self._connection())
        transaction.put(TemplateRow(template.id, head=template.brief(), pieces=len(pieces)))
        transaction.put(ListRow(TEMPLATES, list_key(to_ms(template.created_at), template.id)))
        transaction.commit()

    def get(self, template_id: str) -> Template:
        """Return a built-in or a saved template."""
        if own := builtin_templates().get(template_id):
            return own
        self._head(template_id)
        with translate_errors():
            rows = list(PieceRow.query(template_id, PieceRow.sk.startswith("B#"), consistent_read=True))
        return Template.read_json("".join(row.text for row in rows))

    def _head(self, template_id: str) -> TemplateRow:
        if not TEMPLATE_ID.fullmatch(template_id):
            raise NotFound.of("template", template_id)
        try:
            with translate_errors():
                return TemplateRow.get(template_id, HEAD, consistent_read=True)
        except TemplateRow.DoesNotExist:
            raise NotFound.of("template", template_id) from None

    def delete(self, template_id: str) -> None:
        """Raises BuiltinTemplate."""
        if template_id in builtin_templates():
            raise BuiltinTemplate
        head = self._head(template_id)
        transaction = Transaction(self._connection())
        transaction.delete(TemplateRow(template_id))
        transaction.delete(ListRow(TEMPLATES, list_key(to_ms(head.head["createdAt"]), template_id)))
        # MAX_PIECES keeps all of them below the 100 actions of a transaction
        for number in range(int(head.pieces)):
            transaction.delete(PieceRow(template_id, f"B#{number:03d}"))
        transaction.commit()

    def page(self, before: str | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        ids, more = list_ids(TEMPLATES, before, limit)
        with translate_errors():
            keys = [(id_, HEAD) for id_ in ids]
            found = {row.pk: row.head for row in TemplateRow.batch_get(keys, consistent_read=True)} if ids else {}
        return [found[id_] for id_ in ids if id_ in found], more


def list_ids(list_: str, before: str | None, limit: int) -> tuple[list[str], str | None]:
    """Return ids of a list, newest first, and the position of the next page."""
    # entries begin with a time: other rows of the partition sort behind them
    condition = ListRow.sk < (before or ":")
    with translate_errors():
        rows = list(ListRow.query(list_, condition, scan_index_forward=False, limit=limit, consistent_read=True))
    return [row.sk.partition("#")[2] for row in rows], rows[-1].sk if len(rows) == limit else None


def _row(repository: Repository) -> RepositoryRow:
    return RepositoryRow(
        repository.id,
        name=repository.name,
        url=repository.url,
        default_branch=repository.default_branch,
        credentials_secret=repository.credentials_secret,
        checks=repository.checks.stored() if repository.checks else None,
        created_at=to_ms(repository.created_at),
    )


def _repository(row: RepositoryRow) -> Repository:
    return Repository(
        id=row.pk,
        name=row.name,
        url=row.url,
        default_branch=row.default_branch,
        credentials_secret=row.credentials_secret,
        checks=CheckSettings.read(row.checks) if row.checks else None,
        created_at=rfc3339(int(row.created_at)),
    )


def _stored(value: Any) -> Any:
    return value.stored() if isinstance(value, Stored) else value
