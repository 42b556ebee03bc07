"""A proxy between the functions and DynamoDB and Lambda, with the plan's faults.

A fault before the effect does not pass the request on. A fault after it does, then loses or spoils the response.
"""

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

from tests.faults.plan import Aws

type Decide = Callable[[str, str, bytes], tuple[Aws | None, float]]
"""Takes service, operation and body of a request; returns the fault and its seconds."""

type Answer = tuple[int, Mapping[str, str], bytes]

_PREFIX = "com.amazonaws.dynamodb.v20120810#"
_KEPT = ("content-type", "x-amz-target", "x-amz-date", "authorization", "x-amz-invocation-type", "x-amz-security-token")
_PASSED_BACK = ("x-amz", "content-type")


class Proxy:
    """Proxy on 127.0.0.1 while entered; `upstream` returns the real address of a service."""

    def __init__(self, decide: Decide, upstream: Callable[[str], str]) -> None:
        self.decide, self.upstream = decide, upstream
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def carry_out(self, service: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The real answer. Raises OSError once the system is being closed."""
        at = urlsplit(self.upstream(service))
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)
        try:
            connection.request("POST", path, body, dict(headers))
            answer = connection.getresponse()
            kept = {
                name: value for name, value in answer.getheaders() if name.lower().startswith(("x-amz", "content-type"))
            }
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def later(self, seconds: float, request: tuple[str, str, Mapping[str, str], bytes]) -> None:
        """Carries a request out after a while, whatever became of its sender."""

        def run() -> None:
            if not self.closing.wait(seconds):
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.carry_out(*request)

        threading.Thread(target=run, daemon=True).start()


class _Http(ThreadingHTTPServer):
    owner: Proxy
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: a killed sandbox breaks its connection on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def owner(self) -> Proxy:
        return cast(_Http, self.server).owner

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: self.headers[name] for name in _KEPT if name in self.headers}
        target = self.headers.get("x-amz-target", "")
        service = "dynamodb" if target else "lambda"
        fault, seconds = self.owner.decide(service, target.rpartition(".")[2], body)
        request = (service, self.path, headers, body)
        if service == "dynamodb":
            self._dynamodb(request, fault, seconds)
        else:
            self._invoke(request, fault, seconds)

    def _dynamodb(self, request: tuple[str, str, Mapping[str, str], bytes], fault: Aws | None, seconds: float) -> None:
        match fault:
            case Aws.THROTTLED:
                return self._error(400, "ProvisionedThroughputExceededException", "too fast")
            case Aws.CONFLICT:
                return self._cancelled(request[3])
            case Aws.FAILED_BEFORE:
                return self._error(500, "InternalServerError", "before")
            case Aws.CUT_BEFORE:
                return self._cut()
            case Aws.SLOW:
                time.sleep(seconds)
        answer = self.owner.carry_out(*request)
        if fault is Aws.FAILED_AFTER:
            return self._error(500, "InternalServerError", "after")
        return self._cut() if fault is Aws.CUT_AFTER else self._send(answer)

    def _invoke(self, request: tuple[str, str, Mapping[str, str], bytes], fault: Aws | None, seconds: float) -> None:
        accepted: Answer = (202, {}, b"")
        match fault:
            case Aws.THROTTLED:
                body = json.dumps({"Type": "User", "message": "Rate exceeded"}).encode()
                return self._send((429, {"x-amzn-errortype": "TooManyRequestsException"}, body))
            case Aws.LOST:
                return self._send(accepted)
            case Aws.LATE:
                self.owner.later(seconds, request)
                return self._send(accepted)
            case Aws.DOUBLED:
                self.owner.later(seconds if seconds > 1.5 else 0.0, request)
        answer = self.owner.carry_out(*request)
        return self._cut() if fault is Aws.FAILED_AFTER else self._send(answer)

    def _cancelled(self, body: bytes) -> None:
        """The first action met another transaction; the others are told nothing."""
        others = len(json.loads(body)["TransactItems"]) - 1
        reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]
        reasons += [{"Code": "None"}] * others
        codes = ", ".join(reason["Code"] for reason in reasons)
        message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
        self._error(400, "TransactionCanceledException", message, CancellationReasons=reasons)

    def _error(self, status: int, kind: str, message: str, **more: Any) -> None:
        # both spellings, as DynamoDB's own errors have one and its transactions' the other
        body = {"__type": _PREFIX + kind, "message": message, "Message": message, **more}
        self._send((status, {"content-type": "application/x-amz-json-1.0"}, json.dumps(body).encode()))

    def _cut(self) -> None:
        self.close_connection = True

    def _send(self, answer: Answer) -> None:
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
