"""Results of item attempts, and the sharing of a call's cost among the items it was about."""

from dataclasses import dataclass

from groundwork.llm.port import Usage
from groundwork.runs.handler import ItemFailed, ItemOutcome
from groundwork.runs.model import Claim, ErrorCode, ItemStatus, JournalEntry, ManifestEntry
from groundwork.runs.retry import is_last_attempt

# the entries of a commit share one row of at most 400 KB
MAX_ERROR_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class CallCost:
    """Usage of model calls with its price in millionths of a US dollar.

    Each call is priced alone, so the price cannot be computed from a sum of `Usage`.
    """

    usage: Usage = Usage()
    cost: int = 0

    def __add__(self, other: "CallCost") -> "CallCost":
        return CallCost(self.usage + other.usage, self.cost + other.cost)

    def split(self, count: int) -> list["CallCost"]:
        """Return `count` nearly equal parts; their sum is exactly this cost."""

        def parts(total: int) -> list[int]:
            base, remainder = divmod(total, count)
            return [base + (position < remainder) for position in range(count)]

        u = self.usage
        totals = (u.input, u.output, u.cache_read, u.cache_write, u.calls, self.cost)
        return [CallCost(Usage(*usage), cost) for *usage, cost in zip(*map(parts, totals), strict=True)]


@dataclass(frozen=True, slots=True)
class ItemResult:
    """Result of one attempt at an item; `result` is None if its call was never made.

    `shared`: its call was about other items too.
    """

    entry: ManifestEntry
    claim: Claim
    result: ItemOutcome | ItemFailed | None
    spent: CallCost
    at: int
    shared: bool = False

    @property
    def duration_ms(self) -> int:
        # 0 stands for no measurement
        return max(1, self.at - self.claim.started_at)

    @property
    def final(self) -> bool:
        """True if the item ends with this attempt."""
        if not isinstance(self.result, ItemFailed):
            return self.result is not None
        return is_last_attempt(self.result.code, self.claim.attempts, self.shared)

    def journal_entry(self, created: int = 0, deleted: int = 0) -> JournalEntry:
        failed = self.result if isinstance(self.result, ItemFailed) else None
        return JournalEntry(
            index=self.entry.index,
            status=ItemStatus.FAILED if failed else ItemStatus.COMPLETED,
            attempts=self.claim.attempts,
            created=created,
            deleted=deleted,
            usage=self.claim.usage + self.spent.usage,
            cost=self.claim.cost + self.spent.cost,
            started_at=self.claim.started_at,
            completed_at=self.at,
            error_code=failed.code if failed else None,
            error=str(failed)[:MAX_ERROR_CHARACTERS] if failed else None,
        )

    def waiting_claim(self) -> Claim:
        """Return the claim while the item waits for its next attempt.

        A call never made is not counted.
        """
        unmade = self.result is None
        return Claim(
            attempts=self.claim.attempts - (1 if unmade else 0),
            usage=self.claim.usage + self.spent.usage,
            cost=self.claim.cost + self.spent.cost,
        )


def abandoned_entry(index: int, claim: Claim | None, code: ErrorCode, message: str, now: int) -> JournalEntry:
    """Return the entry of an item failed without another attempt."""
    claim = claim or Claim(0)
    return JournalEntry(
        index=index,
        status=ItemStatus.FAILED,
        attempts=claim.attempts,
        usage=claim.usage,
        cost=claim.cost,
        started_at=claim.started_at,
        completed_at=now,
        error_code=code,
        error=message,
    )
