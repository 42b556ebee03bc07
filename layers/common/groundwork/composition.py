"""Composition root: the services of a function, wired from its settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from platform import platform

from groundwork.adapters.aws.clients import async_invoker, event_invoker, secret_value
from groundwork.adapters.aws.import_files import S3ImportFiles, s3_client
from groundwork.adapters.aws.sandboxes import open_sandboxes
from groundwork.adapters.aws.scheduler import PlanTimer
from groundwork.adapters.aws.setup_store import S3SetupStore
from groundwork.adapters.aws.setup_store import s3_client as setups_client
from groundwork.adapters.aws.step_functions import PlanMachine
from groundwork.adapters.dynamodb.tables import Tables, open_tables
from groundwork.adapters.git.clone import Bounds
from groundwork.adapters.git.repository import open_repository
from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.runner import SandboxCheckRunner
from groundwork.clock import now_ms
from groundwork.execution.baseline_worker import BaselineWorker
from groundwork.execution.checks_at_start import ChecksAtStart
from groundwork.execution.coordinator import ExecutionCoordinator
from groundwork.execution.own_commits import OpenClone
from groundwork.execution.ports import Machine
from groundwork.execution.rollback_checker import RollbackChecker
from groundwork.execution.schedule import Timer
from groundwork.generation.registry import run_handlers
from groundwork.imports.ports import ImportFiles
from groundwork.imports.service import Imports
from groundwork.llm.conversation import ConversationModel
from groundwork.llm.factory import ai_and_model, choose
from groundwork.runs.handler import RunHandlers
from groundwork.runs.ports import Invoker
from groundwork.runs.start import Starter
from groundwork.sandbox.model import Availability
from groundwork.sandbox.port import Sandboxes
from groundwork.settings import Settings

MAX_LOOK_S = 15.0
"""Time to look at a repository within an API request."""


@dataclass(frozen=True, slots=True)
class Services:
    """Settings, adapters and clock of one function.

    `invoke` triggers the next hop of a run, `start_baseline` the worker of a repository's baseline. `sandboxes` takes
    the secret of their tokens.
    """

    settings: Settings
    tables: Tables
    invoke: Invoker
    machine: Machine
    timer: Timer
    sandboxes: Callable[[bytes], Sandboxes]
    start_baseline: Callable[[str], None]
    files: ImportFiles
    open_clone: OpenClone
    handlers: RunHandlers = field(default_factory=run_handlers)
    now_ms: Callable[[], int] = now_ms

    def ai_and_model(self, requested: str | None) -> tuple[str, str]:
        """Return the provider and the model of a new run. Raises Invalid for an unknown model."""
        return ai_and_model(self.settings, requested)

    def starter(self) -> Starter:
        return Starter(
            store=self.tables.runs,
            backlog=self.tables.backlog,
            handlers=self.handlers,
            counts=self.tables.projects.counts,
            invoke=self.invoke,
            now_ms=self.now_ms,
            ai_and_model=self.ai_and_model,
        )

    def imports(self) -> Imports:
        return Imports(self.tables.imports, self.files, self.tables.runs, self.starter().trigger, self.now_ms)

    def coordinator(self, actor: str | None, on_notify_error: Callable[[str], None]) -> ExecutionCoordinator:
        """Return the coordinator of plan executions. `actor`: the user; None for the system."""
        return ExecutionCoordinator(
            self.tables.executions, self.machine, self.now_ms, actor, on_notify_error=on_notify_error
        )

    def checks_at_start(self) -> ChecksAtStart:
        tables = self.tables
        return ChecksAtStart(
            self.settings.checks,
            tables.repositories.get,
            tables.baselines,
            self.sandboxes_available,
            self.start_baseline,
            self.now_ms,
        )

    def sandboxes_available(self) -> Availability:
        """Tell if checks can run here, by a real call. Raises Transient."""
        return self.sandboxes(b"").available()

    def keeper(self) -> SandboxKeeper:
        """Return the keeper of open sandboxes. Raises Transient."""
        settings = self.settings
        secret = _sandbox_secret(settings.sandbox_secret) if settings.sandbox_secret else b""
        return SandboxKeeper(self.sandboxes(secret), self.tables.sandboxes, self.now_ms, settings.sandbox_memory_mb)

    def session_model(self, model_id: str | None, effort: str | None) -> ConversationModel:
        """Return the named or the configured model. Raises Misconfigured, Transient."""
        return choose(self.settings, secret_value, model_id, effort)

    @property
    def open_checks(self) -> Callable[[], SandboxCheckRunner] | None:
        """Return a function to open the runner: it reads a secret. None if no checks run."""
        return None if self.settings.checks == "off" else self.checks

    def baseline_worker(self, open_repository: OpenClone, left_ms: Callable[[], int]) -> BaselineWorker:
        return BaselineWorker(
            baselines=self.tables.baselines,
            runner=self.checks,
            open_repository=open_repository,
            repository=self.tables.repositories.get,
            again=self.start_baseline,
            now_ms=self.now_ms,
            left_ms=left_ms,
        )

    def rollback_checker(
        self, coordinator: ExecutionCoordinator, open_repository: OpenClone, left_ms: Callable[[], int]
    ) -> RollbackChecker:
        return RollbackChecker(
            store=self.tables.executions,
            coordinator=coordinator,
            claims=self.tables.rollback_claims,
            runner=self.open_checks,
            open_repository=open_repository,
            repository=self.tables.repositories.get,
            again=self.machine.request_rollback,
            now_ms=self.now_ms,
            left_ms=left_ms,
        )

    def checks(self) -> SandboxCheckRunner:
        """Return the runner of checks. Raises Transient."""
        settings = self.settings
        setups = S3SetupStore(setups_client(), settings.private_bucket)
        # a kept set-up fits the machine only that made it
        machine = f"{settings.sandbox_image} {platform() if settings.local else ''}"
        notice = "It ran without isolation: GROUNDWORK_CHECKS is unconfined." if settings.checks == "unconfined" else ""
        return SandboxCheckRunner(self.keeper(), self.tables.checks, setups, machine, notice)


@cache
def _sandbox_secret(name: str) -> bytes:
    return secret_value(name).encode()


@cache
def _settings() -> Settings:
    return Settings.from_environment()


@cache
def _tables() -> Tables:
    return open_tables(_settings())


def services() -> Services:
    """Wire the adapters of AWS. Raises ValueError for an invalid environment.

    Only settings and tables are kept for the process: the other adapters count failed calls, afresh for each caller.
    """
    settings = _settings()
    return Services(
        settings=settings,
        tables=_tables(),
        invoke=async_invoker(settings.process_next),
        machine=PlanMachine(settings.plan_machine, settings.plan_executor),
        sandboxes=lambda secret: open_sandboxes(settings, secret),
        start_baseline=lambda id_: event_invoker(settings.plan_executor)({"do": "BASELINE", "repositoryId": id_}),
        timer=PlanTimer(settings.schedule_prefix, settings.plan_executor_arn, settings.schedule_role),
        open_clone=lambda repository, folder: open_repository(
            repository, secret_value, folder, settings.local, Bounds(seconds=MAX_LOOK_S)
        ),
        files=S3ImportFiles(s3_client, settings.private_bucket, now_ms),
    )
