"""Faults of the service, injected by tests."""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """An error response; or, if `lost`, a request executed without a response."""

    code: str = ""
    message: str = ""
    lost: bool = False


@dataclass
class Faults:
    """Pending faults; none by default."""

    quota: int = 8
    """Machines at the same time; one more fails with ServiceQuotaExceededException."""

    unready_seconds: float = 0.0
    """Seconds from a machine's start in which the proxy returns 502."""

    empty_first_page: bool = False
    stale_reads: int = 0
    """Number of times GetMicrovm returns RUNNING for a terminated machine."""

    _waiting: dict[str, list[InjectedFault]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: str, *faults: InjectedFault) -> None:
        """Queue faults for the next requests of an operation; `data` means requests to agents."""
        with self._lock:
            self._waiting.setdefault(operation, []).extend(faults)

    def next(self, operation: str) -> InjectedFault | None:
        with self._lock:
            waiting = self._waiting.get(operation)
            return waiting.pop(0) if waiting else None

    def stale(self) -> bool:
        with self._lock:
            self.stale_reads -= 1
            return self.stale_reads >= 0
