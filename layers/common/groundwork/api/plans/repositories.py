"""Routes of repositories."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from aws_lambda_powertools.event_handler import Response

from groundwork.adapters.dynamodb.list_rows import is_list_position
from groundwork.agent.secret_scan import secret_kind
from groundwork.api import http
from groundwork.api.deps import Limit, Token, new_router, services
from groundwork.api.http import answers
from groundwork.backlog.model import rfc3339
from groundwork.checks.model import CheckSettings
from groundwork.checks.requests import ChecksBody
from groundwork.errors import Invalid, Transient
from groundwork.ids import REPOSITORY_ID, new_repository_id
from groundwork.plans.repositories import Repository, check_credentials_host, validate_url
from groundwork.plans.requests import NewRepository, RepositoryPatch
from groundwork.runs.schemas import ListPage

router = new_router()


@router.post(
    "/api/repositories",
    status_code=201,
    tags=["repositories"],
    operation_id="createRepository",
    summary="Register a repository",
    responses=answers(Repository, 201),
)
def create_repository(body: NewRepository) -> dict[str, Any]:
    validate_url(body.url, services(router).settings.local)
    fields = body.model_dump(exclude={"checks"}) | {"checks": _settings(body.checks)}
    created_at = rfc3339(services(router).now_ms())
    repository = Repository(id=new_repository_id(), created_at=created_at, **fields)
    created = services(router).tables.repositories.create(repository).as_json()
    _read_soon(repository.id)
    return created


def _read_soon(repository_id: str) -> None:
    """Read the repository in the background: a wrong URL or secret shows within seconds."""
    own = services(router)
    # the sweep finds a request without a worker; the repository exists in any case
    with suppress(Transient):
        own.tables.baselines.request(repository_id, None, own.now_ms())
        own.start_baseline(repository_id)


@router.get(
    "/api/repositories",
    tags=["repositories"],
    operation_id="listRepositories",
    summary="List repositories",
    responses=answers(ListPage[Repository]),
)
def list_repositories(limit: Limit = 50, next_token: Token = None) -> dict[str, Any]:
    before = http.position_of(next_token, lambda text: is_list_position(text, REPOSITORY_ID))
    found, more = services(router).tables.repositories.page(before, limit)
    return http.page([repository.as_json() for repository in found], more)


@router.get(
    "/api/repositories/<repository_id>",
    tags=["repositories"],
    operation_id="getRepository",
    summary="Get a repository",
    responses=answers(Repository),
)
def get_repository(repository_id: str) -> dict[str, Any]:
    return services(router).tables.repositories.get(repository_id).as_json()


@router.patch(
    "/api/repositories/<repository_id>",
    tags=["repositories"],
    operation_id="updateRepository",
    summary="Update a repository",
    responses=answers(Repository),
)
def patch_repository(repository_id: str, body: RepositoryPatch) -> dict[str, Any]:
    changes, repositories = body.changes(), services(router).tables.repositories
    if "url" in changes:
        validate_url(body.url, services(router).settings.local)
        # a change of the URL alone must not send the secret to another host
        if "credentials_secret" not in changes:
            check_credentials_host(repositories.get(repository_id), body.url)
    if "checks" in changes:
        changes["checks"] = _settings(body.checks)
    return repositories.update(repository_id, changes).as_json()


@router.delete(
    "/api/repositories/<repository_id>",
    status_code=204,
    tags=["repositories"],
    operation_id="deleteRepository",
    summary="Unregister a repository",
)
def delete_repository(repository_id: str) -> Response[str]:
    services(router).tables.repositories.delete(repository_id)
    return Response(204, "application/json", "")


def _settings(body: ChecksBody | None) -> CheckSettings | None:
    """Raises Invalid for too much memory, and for texts that look like a secret."""
    if body is None:
        return None
    if body.memory_mb > (most := services(router).settings.max_check_memory_mb):
        raise Invalid.field("checks.memoryMb", f"must be at most {most}, the memory of a sandbox")
    if problems := list(_secrets(body)):
        raise Invalid(problems)
    return body.settings()


def _secrets(body: ChecksBody) -> Iterator[dict[str, str]]:
    # settings are shown, and commands run untrusted code: nothing secret may be in them
    lines = {f"env.{name}": f'{name}="{value}"' for name, value in body.env.items()}
    lines |= {f"setup[{number}]": line for number, line in enumerate(body.setup)}
    lines |= {f"verify[{number}]": line for number, line in enumerate(body.verify)}
    for name, line in lines.items():
        if kind := secret_kind(line):
            yield {"field": f"checks.{name}", "message": f"looks like {kind}: a sandbox gets no secret"}
