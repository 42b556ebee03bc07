"""Authorizer of the HTTP API: requests need the admin token."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from groundwork.api.admin_token import AdminToken, authorize, secret_reader
from groundwork.settings import Settings


@cache
def token() -> AdminToken:
    # boto3 on top of botocore would only add to the cold start
    from botocore.session import get_session

    secrets = get_session().create_client("secretsmanager")
    return AdminToken(secret_reader(secrets, Settings.from_environment().token_secret))


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Return API Gateway's simple response."""
    if authorize(event, token()):
        return {"isAuthorized": True, "context": {"principal": "admin"}}
    return {"isAuthorized": False, "context": {}}
