"""Errors in two families: `Refusal` and `Transient`.

`Refusal`: the request cannot be fulfilled; `groundwork.api.http` turns it into a response. `Transient`: the platform
failed; let it propagate, so that Lambda or the client retries.

An exception's docstring is its default message.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class GroundworkError(Exception):
    """Internal error."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class Refusal(GroundworkError):
    """The request cannot be fulfilled."""

    status = 400
    code = "BAD_REQUEST"

    def __init__(self, message: str | None = None, details: Any = None) -> None:
        super().__init__(message)
        self.details = details


class Malformed(Refusal):
    """The request body does not match its content type."""

    code = "MALFORMED"


class NotFound(Refusal):
    """Not found."""

    status = 404
    code = "NOT_FOUND"

    @classmethod
    def of(cls, kind: str, id_: str) -> "NotFound":
        return cls(f"There is no {kind} {id_!r}.")


class Invalid(Refusal):
    """Some fields are invalid; `details` is a list of {field, message}."""

    status = 422
    code = "INVALID"

    def __init__(self, problems: Sequence[Mapping[str, str]]) -> None:
        text = "; ".join(f"{p['field']}: {p['message']}" for p in problems[:3])
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        super().__init__(f"Not valid: {text}{more}", [dict(p) for p in problems])

    @classmethod
    def field(cls, name: str, message: str) -> "Invalid":
        return cls([{"field": name, "message": message}])


class NothingToDo(Refusal):
    """This run has no work to do."""

    status = 422
    code = "NOTHING_TO_DO"


class TooLarge(Refusal):
    """Request or response exceeds the size limit."""

    status = 413
    code = "TOO_LARGE"


class UnsupportedMediaType(Refusal):
    """This content type is not supported here."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class Conflict(Refusal):
    """The current state does not allow this request."""

    status = 409
    code = "CONFLICT"


class RunAlreadyActive(Conflict):
    """A run of this type is already active in the project; `details.runId` names it."""

    code = "RUN_ALREADY_ACTIVE"

    def __init__(self, run_id: str) -> None:
        super().__init__(None, {"runId": run_id})


class IdempotencyKeyReused(Conflict):
    """This Idempotency-Key was used with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"


class RunNotActive(Conflict):
    """The run has already ended."""

    code = "RUN_NOT_ACTIVE"


class NothingToRetry(Conflict):
    """The run has no failed item to retry."""

    code = "NOTHING_TO_RETRY"


class BacklogInUse(Conflict):
    """An active run uses this item; cancel it or wait. `details.runId` names it."""

    code = "BACKLOG_IN_USE"

    def __init__(self, run_id: str) -> None:
        super().__init__(None, {"runId": run_id})


class Transient(GroundworkError):
    """A service Groundwork depends on failed; a retry may succeed."""


class WriteConflict(Transient):
    """Another writer was first."""


# not Transient: another delivery of the event would find the run taken
class LeaseLost(GroundworkError):
    """Another worker, or a cancel, has taken over this run; this worker must not write."""


class Unreadable(GroundworkError):
    """A row was written by a later release and cannot be read by this one."""
