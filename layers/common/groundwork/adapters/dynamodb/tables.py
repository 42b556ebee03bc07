"""Open the tables named in the settings: the one place to bind row classes to tables."""

from collections.abc import Callable
from dataclasses import dataclass

from pynamodb.connection import Connection
from pynamodb.models import Model

from groundwork.adapters.dynamodb.backlog_items import DynamoBacklogItems
from groundwork.adapters.dynamodb.backlog_reader import DynamoBacklogReader
from groundwork.adapters.dynamodb.backlog_rows import BACKLOG_ROWS, KeyRow
from groundwork.adapters.dynamodb.baselines import DynamoBaselines
from groundwork.adapters.dynamodb.cards import DynamoCards
from groundwork.adapters.dynamodb.check_rows import CHECK_ROWS, DynamoCheckRecords
from groundwork.adapters.dynamodb.client import bind
from groundwork.adapters.dynamodb.execution_rows import BlobPartRow, BlobRow, EventRow, SlotsRow, StateRow, TaskLogRow
from groundwork.adapters.dynamodb.executions import DynamoExecutions
from groundwork.adapters.dynamodb.import_parts import DynamoImportParts, ImportPartRow
from groundwork.adapters.dynamodb.import_rows import IMPORT_ROWS
from groundwork.adapters.dynamodb.imports import DynamoImports
from groundwork.adapters.dynamodb.list_rows import ListRow, MeasureRow, PieceRow, RepositoryRow, TemplateRow
from groundwork.adapters.dynamodb.older_cards import DynamoOlderCards
from groundwork.adapters.dynamodb.plan_lists import DynamoRepositories, DynamoTemplates
from groundwork.adapters.dynamodb.plan_measures import DynamoMeasures
from groundwork.adapters.dynamodb.plan_rows import ContentRow, IterationRow, LinkRow, PlanRow, VersionRow
from groundwork.adapters.dynamodb.plans import DynamoPlans
from groundwork.adapters.dynamodb.projects import DynamoProjects
from groundwork.adapters.dynamodb.purge import DynamoPurger
from groundwork.adapters.dynamodb.rollback_checks import DynamoRollbackClaims
from groundwork.adapters.dynamodb.run_rows import RUN_ROWS
from groundwork.adapters.dynamodb.runs import DynamoRuns
from groundwork.adapters.dynamodb.sandbox_rows import DynamoSandboxRows, SandboxRow
from groundwork.adapters.dynamodb.sessions import DynamoSessions
from groundwork.adapters.dynamodb.unassigned_files import DynamoUnassignedFiles, UnassignedFileRow
from groundwork.generation.registry import run_handlers
from groundwork.settings import Settings

PLAN_ROWS: list[type[Model]] = [
    *(PlanRow, VersionRow, ContentRow, IterationRow, LinkRow),
    *(StateRow, EventRow, TaskLogRow, BlobRow, BlobPartRow, SlotsRow),
    *(RepositoryRow, TemplateRow, PieceRow, ListRow, MeasureRow),
    SandboxRow,
    *CHECK_ROWS,
]


@dataclass(frozen=True, slots=True)
class Tables:
    """All stores. Without a plans table the plan stores raise at their first use."""

    runs: DynamoRuns
    backlog: DynamoBacklogReader
    projects: DynamoProjects
    cards: DynamoCards
    imports: DynamoImports
    unassigned_files: DynamoUnassignedFiles
    entries: DynamoBacklogItems
    purger: DynamoPurger
    plans: DynamoPlans
    repositories: DynamoRepositories
    templates: DynamoTemplates
    measures: DynamoMeasures
    executions: DynamoExecutions
    sessions: DynamoSessions
    sandboxes: DynamoSandboxRows
    checks: DynamoCheckRecords
    baselines: DynamoBaselines
    rollback_claims: DynamoRollbackClaims


def connection() -> Connection:
    """Return the shared connection of the bound rows; it is thread-safe."""
    return KeyRow._get_connection().connection


def open_tables(settings: Settings, endpoint: str | None = None, now_ms: Callable[[], int] | None = None) -> Tables:
    """Open all stores; `now_ms` is the clock of the rows' timestamps.

    Raises ValueError if the settings name no tables.
    """
    if not settings.backlog_table or not settings.runs_table:
        raise ValueError("GROUNDWORK_BACKLOG_TABLE and GROUNDWORK_RUNS_TABLE must name the tables")
    bind(BACKLOG_ROWS, settings.backlog_table, settings.region, endpoint)
    # import parts expire, and only the runs table has a time to live
    bind([*RUN_ROWS, *IMPORT_ROWS, ImportPartRow, UnassignedFileRow], settings.runs_table, settings.region, endpoint)
    bind(PLAN_ROWS, settings.plans_table, settings.region, endpoint)
    projects = DynamoProjects(connection, now_ms)
    return Tables(
        runs=DynamoRuns(connection, run_handlers()),
        backlog=DynamoBacklogReader(connection),
        projects=projects,
        cards=DynamoCards(connection, projects, DynamoOlderCards(connection), DynamoImportParts(now_ms)),
        imports=DynamoImports(connection, now_ms),
        unassigned_files=DynamoUnassignedFiles(now_ms),
        entries=DynamoBacklogItems(connection, projects, now_ms),
        purger=DynamoPurger(connection),
        plans=DynamoPlans(connection, now_ms),
        repositories=DynamoRepositories(connection),
        templates=DynamoTemplates(connection),
        measures=DynamoMeasures(),
        executions=DynamoExecutions(connection, settings.max_tasks, now_ms),
        sessions=DynamoSessions(),
        sandboxes=DynamoSandboxRows(connection, settings.max_sandboxes),
        checks=DynamoCheckRecords(connection),
        baselines=DynamoBaselines(),
        rollback_claims=DynamoRollbackClaims(),
    )
