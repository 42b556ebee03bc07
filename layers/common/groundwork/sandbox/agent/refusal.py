"""The error type of all responses to callers."""


class Refused(Exception):
    """A refused request: an HTTP status and a code for the caller."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code
