"""One port that speaks AWS: moto for the services, our functions for Lambda's Invoke."""

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
from local.objects import MirroredObjects, ObjectFiles
from local.serving import ThreadedServer
from local.timers import refusal

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]

INVOKE_PREFIX = "/2015-03-31/functions/"


class AwsEndpoint:
    """Serves on 127.0.0.1 as soon as it exists. `invocations` is set once the functions are known.

    moto keeps its state in the process, so there can be one such endpoint at a time; a new one starts empty. `objects`
    mirrors what is put into buckets.
    """

    def __init__(self, objects: ObjectFiles | None = None) -> None:
        # the real definition of a state machine is run, not only stored
        default_user_config["stepfunctions"] = {"execute_state_machine": True}
        # its reset_model_data alone leaves tables behind
        moto_api_backend.reset()
        transactions.install()
        self.invocations: Wsgi | None = None
        self.microvms: MicrovmService | None = None
        self._moto: Wsgi = DomainDispatcherApplication(create_backend_app)
        if objects is not None:
            self._moto = MirroredObjects(self._moto, objects)
        self._dynamodb = threading.Lock()
        self._server = ThreadedServer(self, "127.0.0.1", 0)
        # moto's state machines call Lambda here
        os.environ["MOTO_PORT"] = str(self._server.port)
        self.url = self._server.url

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(INVOKE_PREFIX) and self.invocations is not None:
            # ?Qualifier=… : every version and alias is the code that lies here, and SAM CLI refuses a query string
            return self.invocations({**environ, "QUERY_STRING": ""}, start_response)
        if self.microvms is not None and self.microvms.handles(environ):
            return self.microvms(environ, start_response)
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("DynamoDB_"):
            return self._one_at_a_time(environ, start_response)
        if environ["PATH_INFO"].startswith("/schedules/") and environ["REQUEST_METHOD"] in ("POST", "PUT"):
            return self._scheduled(environ, start_response)
        return self._moto(environ, start_response)

    def _scheduled(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """moto keeps any expression: one that could never fire is refused as the service does it."""
        body = _read(environ)
        reason = refusal(str(json.loads(body).get("ScheduleExpression", "")))
        if reason is None:
            return self._moto(environ, start_response)
        headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "ValidationException")]
        start_response("400 Bad Request", headers)
        return [json.dumps({"Message": f"Invalid Schedule Expression: {reason}."}).encode()]

    def _one_at_a_time(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """moto's transactions and conditions are not atomic when requests run at once."""
        # read before the lock is taken: a slow client holds up nobody
        _read(environ)
        with self._dynamodb:
            return list(self._moto(environ, start_response))

    @contextmanager
    def stalled_tables(self) -> Iterator[None]:
        """DynamoDB accepts requests and answers none until the block ends."""
        with self._dynamodb:
            yield

    def close(self) -> None:
        """Stops serving and frees the port."""
        self._server.close()


def _read(environ: Environ) -> bytes:
    """The request's body, which can be read again."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body
