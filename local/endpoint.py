"""The local AWS on one port: moto, and Lambda's Invoke for the template's functions."""

import io
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.core.config import default_user_config
from moto.moto_api._internal import moto_api_backend
from moto.server import DomainDispatcherApplication, create_backend_app

from local import transactions
from local.microvms.service import MicrovmService
from local.objects import MirroredObjects, ObjectFiles, release_versions
from local.serving import ThreadedServer
from local.state_machines import stop_executions
from local.timers import expression_error

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]

INVOKE_PREFIX = "/2015-03-31/functions/"


class AwsEndpoint:
    """Server of the local AWS on 127.0.0.1, from creation to `close`.

    `invocations` is set once the functions are known. moto keeps its state in the process, so only one endpoint can
    exist at a time. A new one starts empty. `objects` mirrors the objects of the buckets.
    """

    def __init__(self, objects: ObjectFiles | None = None) -> None:
        # By default moto only stores the definition of a state machine.
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        # Before the reset: it forgets the objects of others without closing their files, and executions without
        # stopping their threads.
        release_versions()
        stop_executions()
        # reset_model_data alone leaves tables behind.
        moto_api_backend.reset()
        transactions.install()
        self.invocations: Wsgi | None = None
        self.microvms: MicrovmService | None = None
        self._moto: Wsgi = DomainDispatcherApplication(create_backend_app)
        if objects is not None:
            self._moto = MirroredObjects(self._moto, objects)
        self._dynamodb = threading.Lock()
        self._server = ThreadedServer(self, "127.0.0.1", 0)
        # moto's state machines call Lambda at this port.
        os.environ["MOTO_PORT"] = str(self._server.port)
        self.url = self._server.url

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(INVOKE_PREFIX) and self.invocations is not None:
            # Drops ?Qualifier=…: all versions and aliases are the local code, and SAM CLI rejects a query string.
            return self.invocations({**environ, "QUERY_STRING": ""}, start_response)
        if self.microvms is not None and self.microvms.handles(environ):
            return self.microvms(environ, start_response)
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
            return self._serialize(environ, start_response)
        if environ["PATH_INFO"].startswith("/schedules/") and environ["REQUEST_METHOD"] in ("POST", "PUT"):
            return self._check_schedule(environ, start_response)
        return self._moto(environ, start_response)

    def _check_schedule(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Reject an invalid schedule expression as the service does; moto accepts any."""
        body = _read_body(environ)
        reason = expression_error(str(json.loads(body).get("ScheduleExpression", "")))
        if reason is None:
            return self._moto(environ, start_response)
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "ValidationException")]
        start_response("400 Bad Request", headers)
        return [json.dumps({"Message": f"Invalid Schedule Expression: {reason}."}).encode()]

    def _serialize(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Serialize requests: moto's transactions and conditions are not atomic under concurrency."""
        # Read before the lock is taken: a slow client must not block others.
        _read_body(environ)
        with self._dynamodb:
            return list(self._moto(environ, start_response))

    @contextmanager
    def stalled_tables(self) -> Iterator[None]:
        """Stall DynamoDB: it accepts requests but answers none until the block ends."""
        with self._dynamodb:
            yield

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.close()
        release_versions()


def _read_body(environ: Environ) -> bytes:
    """Read the request's body and rewind it."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
