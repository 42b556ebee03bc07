"""Faults of the service at the wire, for tests."""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """An error answer, or a `lost` one: the request is carried out, the answer never comes."""

    code: str = ""
    message: str = ""
    lost: bool = False


@dataclass
class Faults:
    """The faults to come; none at first."""

    quota: int = 8
    """Machines at once; one more is a ServiceQuotaExceededException."""

    unready_seconds: float = 0.0
    """So long after its start the proxy answers 502 for a machine."""

    empty_first_page: bool = False
    stale_reads: int = 0
    """Number of times for GetMicrovm to say RUNNING of an ended machine."""

    _waiting: dict[str, list[Fault]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: str, *faults: Fault) -> None:
        """For the next requests of an operation, or of `data` for those to agents."""
        with self._lock:
            self._waiting.setdefault(operation, []).extend(faults)

    def next(self, operation: str) -> Fault | None:
        with self._lock:
            waiting = self._waiting.get(operation)
            return waiting.pop(0) if waiting else None

    def stale(self) -> bool:
        with self._lock:
            self.stale_reads -= 1
            return self.stale_reads >= 0
