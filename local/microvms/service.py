"""The API of Lambda MicroVMs, and the proxy to the machines."""

import contextlib
import http.client
import json
import re
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import parse_qsl, unquote

from werkzeug.wsgi import get_input_stream

from local.microvms.faults import Faults
from local.microvms.launcher import Launcher
from local.microvms.machines import Machines, MicroVm

PREFIX = "/2025-09-09/"
IMAGE_VERSION = "1.0"
_TOKEN_SECONDS = 300.0
_LISTED_SECONDS = 600.0
_MAX_DURATION_S, _MAX_PAYLOAD = 28_800, 4096
_STATUS = {
    "ValidationException": 400, "ServiceQuotaExceededException": 402, "AccessDeniedException": 403,
    "ResourceNotFoundException": 404, "ConflictException": 409, "ThrottlingException": 429,
    "InsufficientCapacityException": 500, "InternalServerException": 500,
}  # fmt: skip

Environ = dict[str, Any]
Answer = dict[str, Any]


class ServiceError(Exception):
    """An error response of the service; `code` is AWS's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class MicrovmService:
    """WSGI application; `handles` recognizes its requests among those of other services."""

    def __init__(self, launcher: Launcher, folder: Path, image: str, disabled: str = "") -> None:
        self.image, self.faults = image, Faults()
        self.machines = Machines(launcher, folder)
        self._launcher, self._disabled = launcher, disabled
        self._reason: str | None = None
        self._probing = threading.Lock()
        self._tokens: dict[str, tuple[float, str, str]] = {}
        self._proxy_tokens: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    @staticmethod
    def handles(environ: Environ) -> bool:
        return "HTTP_X_AWS_PROXY_AUTH" in environ or environ["PATH_INFO"].startswith(f"{PREFIX}microvm")

    def close(self) -> None:
        self.machines.close()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        if "HTTP_X_AWS_PROXY_AUTH" in environ:
            return self._proxy(environ, start_response)
        try:
            status, answer, headers = 200, self._answer(environ), []
        except ServiceError as exc:
            status, answer = _STATUS[exc.code], {"message": str(exc)}
            headers = [("x-amzn-ErrorType", exc.code)]
        return _send(start_response, status, json.dumps(answer).encode(), headers)

    def problem(self) -> str:
        """Return the reason why this machine cannot run sandboxes, or ""; probed once."""
        with self._probing:
            if self._reason is None:
                self._reason = self._disabled or self._launcher.probe()
            return self._reason

    # --- The API ---

    def _answer(self, environ: Environ) -> Answer:
        method, path = environ["REQUEST_METHOD"], unquote(environ["PATH_INFO"])[len(PREFIX) :]
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        body = json.loads(get_input_stream(environ).read() or b"{}")
        for pattern, verb, name in _OPERATIONS:
            if verb == method and (found := re.fullmatch(pattern, path)):
                fault = self.faults.next(name)
                if fault is not None and not fault.lost:
                    raise ServiceError(fault.code, fault.message or fault.code)
                operation: Callable[..., Answer] = getattr(self, f"_{name}")
                answer = operation(*found.groups(), body=body, query=query, host=environ["HTTP_HOST"])
                # The request has had its effect: only its answer is lost.
                if fault is not None:
                    _drop_connection(environ)
                return answer
        raise ServiceError("ValidationException", f"{method} {path} is not supported")

    def _RunMicrovm(self, *, body: Answer, host: str, **_: Any) -> Answer:  # noqa: N802
        _validate(body)
        if body["imageIdentifier"] != self.image:
            raise ServiceError("ResourceNotFoundException", "Image not found")
        if reason := self.problem():
            raise ServiceError("ValidationException", reason)
        token, parameters = body.pop("clientToken", str(uuid.uuid4())), json.dumps(body, sort_keys=True)
        with self._lock:
            made, known, id_ = self._tokens.get(token, (0.0, "", ""))
            if id_ and time.monotonic() - made < _TOKEN_SECONDS:
                if known != parameters:
                    message = "clientToken was used with different request parameters"
                    raise ServiceError("ValidationException", message)
                machine = self.machines.get(id_)
                assert machine is not None
                return {**self._describe(machine, host), "state": "PENDING"}
            if sum(not machine.is_gone for machine in self.machines.all()) >= self.faults.quota:
                raise ServiceError("ServiceQuotaExceededException", "The memory of all MicroVMs would exceed the quota")
            machine = self.machines.run(f"microvm-{uuid.uuid4()}", body)
            self._tokens[token] = (time.monotonic(), parameters, machine.id)
        return {**self._describe(machine, host), "state": "PENDING"}

    def _GetMicrovm(self, id_: str, *, host: str, **_: Any) -> Answer:  # noqa: N802
        machine = self._machine(id_)
        answer = self._describe(machine, host)
        if machine.is_gone and self.faults.stale():
            return {**answer, "state": "RUNNING"}
        return answer

    def _ListMicrovms(self, *, query: dict[str, str], host: str, **_: Any) -> Answer:  # noqa: N802
        now = time.time()
        listed = [one for one in self.machines.all() if now - (one.terminated_at or now) < _LISTED_SECONDS]
        if query.get("imageIdentifier", self.image) != self.image:
            listed = []
        start, size = int(query.get("nextToken") or 0), int(query.get("maxResults") or 50)
        # A page may be empty and yet have a successor; a client must go on.
        if self.faults.empty_first_page and "nextToken" not in query:
            return {"items": [], "nextToken": "0"}
        names = ("microvmId", "state", "imageArn", "imageVersion", "startedAt")
        page = [self._describe(machine, host) for machine in listed[start : start + size]]
        more = {"nextToken": str(start + size)} if start + size < len(listed) else {}
        return {"items": [{name: one[name] for name in names} for one in page], **more}

    def _CreateMicrovmAuthToken(self, id_: str, *, body: Answer, **_: Any) -> Answer:  # noqa: N802
        machine = self._machine(id_)
        minutes = int(body.get("expirationInMinutes", 60))
        if not 1 <= minutes <= 60:
            raise ServiceError("ValidationException", "expirationInMinutes must be 1 to 60")
        token = secrets.token_urlsafe(32)
        self._proxy_tokens[token] = (time.monotonic() + minutes * 60, machine.id)
        return {"authToken": {"X-aws-proxy-auth": token}}

    def _SuspendMicrovm(self, id_: str, **_: Any) -> Answer:  # noqa: N802
        self.machines.suspend(self._active_machine(id_))
        return {}

    def _ResumeMicrovm(self, id_: str, **_: Any) -> Answer:  # noqa: N802
        self.machines.resume(self._active_machine(id_))
        return {}

    def _TerminateMicrovm(self, id_: str, **_: Any) -> Answer:  # noqa: N802
        self.machines.terminate(self._machine(id_), "Terminated by its owner")
        return {}

    def _GetMicrovmImage(self, image: str, **_: Any) -> Answer:  # noqa: N802
        self._require_image(image)
        failed = bool(self.problem())
        version = {"latestFailedImageVersion" if failed else "latestActiveImageVersion": IMAGE_VERSION}
        state = "CREATE_FAILED" if failed else "CREATED"
        return {"imageArn": self.image, "name": "groundwork", "state": state, "createdAt": 0, **version}

    def _GetMicrovmImageVersion(self, image: str, version: str, **_: Any) -> Answer:  # noqa: N802
        self._require_image(image)
        reason = self.problem()
        answer = {"imageArn": self.image, "imageVersion": version, "createdAt": 0, "baseImageArn": self.image}
        answer |= {"buildRoleArn": "arn:aws:iam::000000000000:role/none", "codeArtifact": {"uri": "s3://none/none"}}
        if reason:
            return {**answer, "state": "FAILED", "status": "INACTIVE", "stateReason": reason}
        return {**answer, "state": "SUCCESSFUL", "status": "ACTIVE"}

    def _require_image(self, image: str) -> None:
        if image != self.image:
            raise ServiceError("ResourceNotFoundException", "Image not found")

    def _machine(self, id_: str) -> MicroVm:
        machine = self.machines.get(id_)
        if machine is None or time.time() - (machine.terminated_at or time.time()) > _LISTED_SECONDS:
            raise ServiceError("ResourceNotFoundException", f"MicroVM {id_} not found")
        return machine

    def _active_machine(self, id_: str) -> MicroVm:
        machine = self._machine(id_)
        if machine.is_gone:
            raise ServiceError("ConflictException", "The MicroVM is terminated")
        return machine

    def _describe(self, machine: MicroVm, host: str) -> Answer:
        known = {
            "microvmId": machine.id,
            "state": machine.state,
            "endpoint": host,
            "imageArn": self.image,
            "imageVersion": IMAGE_VERSION,
            "startedAt": machine.started_at,
            "maximumDurationInSeconds": machine.arguments.get("maximumDurationInSeconds", _MAX_DURATION_S),
        }
        if machine.is_gone:
            known |= {"terminatedAt": machine.terminated_at, "stateReason": machine.reason}
        return known

    # --- The proxy ---

    def _proxy(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        ends, id_ = self._proxy_tokens.get(environ["HTTP_X_AWS_PROXY_AUTH"], (0.0, ""))
        machine = self.machines.get(id_)
        body = get_input_stream(environ)
        if machine is None or time.monotonic() > ends:
            return _refuse(start_response, 403, body)
        fault = self.faults.next("data")
        if fault is not None and not fault.lost:
            return _refuse(start_response, int(fault.code), body)
        young = time.time() - machine.started_at < self.faults.unready_seconds
        if machine.state != "RUNNING" or young:
            return _refuse(start_response, 502, body)
        try:
            status, answer = _forward(machine, environ, body)
        except (OSError, http.client.HTTPException):
            return _refuse(start_response, 502, body)
        if fault is not None:
            _drop_connection(environ)
        return _send(start_response, status, answer, [])


_OPERATIONS = [
    ("microvms", "POST", "RunMicrovm"),
    ("microvms", "GET", "ListMicrovms"),
    ("microvms/([^/]+)", "GET", "GetMicrovm"),
    ("microvms/([^/]+)", "DELETE", "TerminateMicrovm"),
    ("microvms/([^/]+)/suspend", "POST", "SuspendMicrovm"),
    ("microvms/([^/]+)/resume", "POST", "ResumeMicrovm"),
    ("microvms/([^/]+)/auth-token", "POST", "CreateMicrovmAuthToken"),
    ("microvm-images/([^/]+)", "GET", "GetMicrovmImage"),
    ("microvm-images/([^/]+)/versions/([^/]+)", "GET", "GetMicrovmImageVersion"),
]


def _validate(body: Answer) -> None:
    """Reject values beyond the service's limits; botocore does not check them."""
    if len(str(body.get("runHookPayload", "")).encode()) > _MAX_PAYLOAD:
        raise ServiceError("ValidationException", f"runHookPayload is longer than {_MAX_PAYLOAD} bytes")
    if not 1 <= int(body.get("maximumDurationInSeconds", _MAX_DURATION_S)) <= _MAX_DURATION_S:
        raise ServiceError("ValidationException", f"maximumDurationInSeconds must be 1 to {_MAX_DURATION_S}")
    if int(body.get("idlePolicy", {}).get("maxIdleDurationSeconds", 60)) < 60:
        raise ServiceError("ValidationException", "maxIdleDurationSeconds must be at least 60")


def _forward(machine: MicroVm, environ: Environ, body: Any) -> tuple[int, bytes]:
    path = environ["PATH_INFO"] + ("?" + environ["QUERY_STRING"] if environ.get("QUERY_STRING") else "")
    headers = {"X-Groundwork-Token": environ.get("HTTP_X_GROUNDWORK_TOKEN", "")}
    length = environ.get("CONTENT_LENGTH")
    # Longer than the client's longest wait of 300 s: the client gives up first.
    with contextlib.closing(machine.connection(310)) as connection:
        if length:
            headers["Content-Length"] = length
        connection.request(environ["REQUEST_METHOD"], path, body if length else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def _drop_connection(environ: Environ) -> NoReturn:
    """Close the connection without a response."""
    with contextlib.suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionError


def _refuse(start_response: Any, status: int, body: Any) -> Iterable[bytes]:
    # A response before the end of the body would reset the connection.
    while body.read(2**20):
        pass
    return _send(start_response, status, b"{}", [])


def _send(start_response: Any, status: int, data: bytes, headers: list[tuple[str, str]]) -> Iterable[bytes]:
    reason = http.client.responses.get(status, "Unknown")
    fixed = [("Content-Type", "application/json"), ("Content-Length", str(len(data)))]
    start_response(f"{status} {reason}", [*fixed, *headers])
    return [data]
