"""What can go wrong, in two families.

`Refusal`: the caller asked for something that cannot be done; it becomes an HTTP answer in `groundwork.api.http`.
`Transient`: the platform let us down; raise it on so that Lambda (or the client) tries again.

An exception's docstring is its message where none is given.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class GroundworkError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class Refusal(GroundworkError):
    """The request cannot be carried out."""

    status = 400
    code = "BAD_REQUEST"

    def __init__(self, message: str | None = None, details: Any = None) -> None:
        super().__init__(message)
        self.details = details


class Malformed(Refusal):
    """The request body is not what its content type says."""

    code = "MALFORMED"


class NotFound(Refusal):
    """There is no such thing."""

    status = 404
    code = "NOT_FOUND"

    @classmethod
    def of(cls, kind: str, id_: str) -> "NotFound":
        return cls(f"There is no {kind} {id_!r}.")


class Invalid(Refusal):
    """Some fields are not valid; `details` is a list of {field, message}."""

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
    """There is nothing for this run to do."""

    status = 422
    code = "NOTHING_TO_DO"


class TooLarge(Refusal):
    """The request is larger than Groundwork takes, or its answer larger than it can give."""

    status = 413
    code = "TOO_LARGE"


class UnsupportedMediaType(Refusal):
    """This content type is not taken here."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class Conflict(Refusal):
    """The state of things does not allow this now."""

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
    """The run has ended already."""

    code = "RUN_NOT_ACTIVE"


class NothingToRetry(Conflict):
    """The run has no failed item that could be tried again."""

    code = "NOTHING_TO_RETRY"


class BacklogInUse(Conflict):
    """An active run works on this; cancel it or wait. `details.runId` names it."""

    code = "BACKLOG_IN_USE"

    def __init__(self, run_id: str) -> None:
        super().__init__(None, {"runId": run_id})


class Transient(GroundworkError):
    """A service that Groundwork stands on did not answer as it should; trying again may help."""


class WriteConflict(Transient):
    """Another writer was there first."""


class LeaseLost(GroundworkError):
    """Another worker, or a cancel, has taken this run; nothing may be written any more."""


class Unreadable(GroundworkError):
    """A row that this release does not understand: a later one has written it."""
