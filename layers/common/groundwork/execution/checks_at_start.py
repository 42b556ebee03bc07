"""Checks at the start of a plan: the settings to keep, and the reasons not to start."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from groundwork.checks.baseline import Baseline, Baselines, BaselineStatus
from groundwork.checks.model import CheckSettings
from groundwork.errors import Transient
from groundwork.execution.errors import BaselineFailing, ChecksUnavailable
from groundwork.execution.state import RepositoryChecks
from groundwork.plans.model import Plan
from groundwork.plans.repositories import Repository
from groundwork.sandbox.model import Availability


@dataclass(frozen=True, slots=True)
class ChecksAtStart:
    """`mode` is the system's: on, off or unconfined."""

    mode: str
    repository: Callable[[str], Repository]
    baselines: Baselines
    available: Callable[[], Availability]
    start_baseline: Callable[[str], None]
    now_ms: Callable[[], int]

    def settings_of(self, plan: Plan) -> tuple[RepositoryChecks, ...]:
        """Return the settings of the plan's repositories with checks.

        Requests a missing baseline and does not wait for it: each change is checked anyway before it lands. Raises
        BaselineFailing, ChecksUnavailable, NotFound, Transient.
        """
        found = [(id_, checks) for id_, checks in self._settings(plan) if checks.verify]
        if self.mode == "off" or not found:
            return tuple(RepositoryChecks(repository_id=id_, settings=checks) for id_, checks in found)
        availability = self.available()
        if not availability.available:
            raise ChecksUnavailable(availability.reason)
        return tuple(self._checked(id_, checks) for id_, checks in found)

    def _settings(self, plan: Plan) -> Iterator[tuple[str, CheckSettings]]:
        ids = dict.fromkeys([plan.repository_id, *(task.repository_id or plan.repository_id for task in plan.tasks)])
        for id_ in ids:
            if checks := self.repository(id_).checks:
                yield id_, checks

    def _checked(self, repository_id: str, checks: CheckSettings) -> RepositoryChecks:
        baseline = self.baselines.get(repository_id)
        # other commands say nothing about these
        if baseline is None or baseline.settings != checks:
            self._request(repository_id, checks)
            return RepositoryChecks(repository_id=repository_id, settings=checks)
        failed = baseline.status is BaselineStatus.FAILED
        if failed and not checks.allow_red_baseline:
            raise BaselineFailing(_details(baseline))
        return RepositoryChecks(repository_id=repository_id, settings=checks, red_baseline=failed, tests=baseline.tests)

    def _request(self, repository_id: str, checks: CheckSettings) -> None:
        _, is_new = self.baselines.request(repository_id, checks, self.now_ms())
        if is_new:
            # the sweep finds a baseline without a worker
            with suppress(Transient):
                self.start_baseline(repository_id)


def _details(baseline: Baseline) -> dict[str, Any]:
    return {"repositoryId": baseline.repository_id, "commit": baseline.commit}
