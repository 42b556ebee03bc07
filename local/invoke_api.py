"""Lambda's Invoke API: SAM CLI's service, with retries of asynchronous invocations."""

from typing import Any

from flask import request
from samcli.lib.utils.invocation_type import EVENT
from samcli.local.lambda_service.local_lambda_http_service import LocalLambdaHttpService

from local.async_invokes import AsyncInvokes
from local.runtime import LambdaRunner

REQUEST_LIMIT = 6 * 1024 * 1024
"""Bytes, as in Lambda."""

ASYNC_REQUEST_LIMIT = 1024 * 1024


class InvokeApi(LocalLambdaHttpService):  # type: ignore[misc]
    """POST /2015-03-31/functions/{name}/invocations: RequestResponse and Event."""

    executor: Any

    def __init__(self, runner: LambdaRunner, async_invokes: AsyncInvokes) -> None:
        super().__init__(runner, port=0, host="127.0.0.1")
        self.executor.shutdown()
        self.executor = _Inline()
        self._async_invokes = async_invokes
        self.create()

    @property
    def wsgi(self) -> Any:
        """The WSGI application."""
        return self._app

    def _invoke_request_handler(self, function_name: str) -> Any:
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        limit = ASYNC_REQUEST_LIMIT if kind == EVENT else REQUEST_LIMIT
        if len(request.get_data()) > limit:
            return _too_large(len(request.get_data()), limit)
        return super()._invoke_request_handler(function_name)

    def _invoke_async_lambda(self, function_name: str, *, request_data: str, **_: Any) -> None:
        """Queue the event with Lambda's retries; SAM CLI drops a failed asynchronous invocation."""
        self._async_invokes.submit(function_name, request_data.encode())


class _Inline:
    """Replacement of SAM CLI's executor; runs a task at once, as it only queues an invocation."""

    def submit(self, task: Any, **arguments: Any) -> None:
        task(**arguments)


def _too_large(size: int, limit: int) -> Any:
    message = f"{size} byte payload is too large for the Invoke operation (limit {limit} bytes)"
    headers = {"Content-Type": "application/json", "x-amzn-errortype": "RequestTooLargeException"}
    body = f'{{"Type": "User", "message": "{message}"}}'
    return LocalLambdaHttpService.service_response(body, headers, 413)
