"""Shared by all tables: binding to table names, error translation, transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from groundwork.errors import GroundworkError, Transient

CONDITION_FAILED = "ConditionalCheckFailed"

_TEMPORARY = {
    "InternalServerError",
    "InternalFailure",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
}


class ConditionFailed(GroundworkError):
    """The row does not meet the write's condition."""


class Cancelled(GroundworkError):
    """A transaction was cancelled; `tags` names the actions with failed conditions."""

    def __init__(self, tags: list[Any]) -> None:
        super().__init__(f"The transaction was cancelled by {len(tags)} of its conditions.")
        self.tags = tags


def _fix_user_agent(session: Session) -> None:
    """Give a session one user agent for all requests."""
    # botocore builds its own twice for each request, which takes a tenth of a poll.
    session.set_default_client_config(Config(user_agent=f"groundwork {session.user_agent()}"))


botocore.register_initializer(_fix_user_agent)


def bind(rows: list[type[Model]], table_name: str, region: str, endpoint: str | None = None) -> None:
    """Bind row classes to a table. `endpoint` overrides boto3's AWS_ENDPOINT_URL."""
    for row in rows:
        row.Meta.table_name = table_name
        row.Meta.region = region
        row.Meta.host = endpoint
        row.Meta.max_pool_connections = 32
        row.Meta.connect_timeout_seconds = 3
        row.Meta.read_timeout_seconds = 10
        # a connection is bound to the names it was made with
        row._connection = None


@contextmanager
def translate_errors() -> Iterator[None]:
    """Convert driver errors to ConditionFailed or Transient; the rest are faults in our code."""
    try:
        yield
    except TransactWriteError:
        # not translated: `commit` needs its cancellation reasons
        raise
    except PynamoDBException as exc:
        code = _code(exc)
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed from exc
        if code in _TEMPORARY or isinstance(exc.cause, BotoCoreError):
            raise Transient(f"DynamoDB: {code or type(exc.cause).__name__}") from exc
        raise
    except BotoCoreError as exc:
        raise Transient(f"DynamoDB: {type(exc).__name__}") from exc


def _code(exc: PynamoDBException) -> str | None:
    """Return DynamoDB's error code; None without a response, where pynamodb's property raises."""
    return exc.cause.response["Error"]["Code"] if isinstance(exc.cause, ClientError) else None


class Transaction:
    """All actions or none. A tag identifies the action of a failed condition."""

    def __init__(self, connection: Connection) -> None:
        self._write = TransactWrite(connection=connection)
        # pynamodb sends checks, deletes, puts, updates in this order; reasons come back in it
        self._tags: dict[str, list[Any]] = {"check": [], "delete": [], "put": [], "update": []}

    def __len__(self) -> int:
        return sum(len(tags) for tags in self._tags.values())

    def put(self, row: Model, condition: Condition | None = None, tag: Any = None) -> None:
        self._tags["put"].append(tag)
        self._write.save(row, condition=condition)

    def update(self, row: Model, actions: list[Any], condition: Condition | None = None, tag: Any = None) -> None:
        self._tags["update"].append(tag)
        self._write.update(row, actions=actions, condition=condition)

    def delete(self, row: Model, condition: Condition | None = None, tag: Any = None) -> None:
        self._tags["delete"].append(tag)
        self._write.delete(row, condition=condition)

    def check(self, row: type[Model], pk: str, sk: str, condition: Condition, tag: Any = None) -> None:
        self._tags["check"].append(tag)
        self._write.condition_check(row, pk, sk, condition=condition)

    def commit(self) -> None:
        """Raises Cancelled (conditions), Transient (conflict, throttling, network)."""
        try:
            with translate_errors():
                # private: pynamodb itself commits only at the end of a `with` block
                self._write._commit()
        except TransactWriteError as exc:
            self._explain(exc)

    def _explain(self, exc: TransactWriteError) -> None:
        code = _code(exc)
        if code in _TEMPORARY or isinstance(exc.cause, BotoCoreError):
            raise Transient(f"DynamoDB: {code or type(exc.cause).__name__}") from exc
        tags = [tag for group in self._tags.values() for tag in group]
        failed = [
            tag
            for tag, reason in zip(tags, exc.cancellation_reasons, strict=False)
            if reason and reason.code == CONDITION_FAILED
        ]
        if failed:
            raise Cancelled(failed) from exc
        codes = {reason.code for reason in exc.cancellation_reasons if reason and reason.code != "None"}
        # any other reason, such as an invalid value, is a fault in our code
        if codes and codes <= {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}:
            raise Transient(f"DynamoDB: {', '.join(sorted(codes))}") from exc
        raise exc
