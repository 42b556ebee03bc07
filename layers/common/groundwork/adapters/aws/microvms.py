"""AWS Lambda MicroVMs, behind the port `groundwork.sandbox.port.Sandboxes`."""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from groundwork.errors import Transient
from groundwork.sandbox.client import AgentClient, AgentRefused, AgentSilent
from groundwork.sandbox.errors import (
    CommandConflict,
    CommandRefused,
    KeyReused,
    NoCapacity,
    SandboxBusy,
    SandboxLost,
    SandboxUnavailable,
    SetupNotKept,
    TreeRefused,
)
from groundwork.sandbox.model import (
    IGNORED_FOLDERS,
    Availability,
    ChangedFiles,
    Command,
    CommandStatus,
    Handle,
    SandboxKey,
    SandboxSpec,
    Tree,
)
from groundwork.settings import LOOPBACK

_PORT = 8080
# the maximum of the service
_TOKEN_MINUTES = 60
_KEPT_SUSPENDED_SECONDS = 3600
_GONE = {"TERMINATING", "TERMINATED"}
_PATIENCE = 60.0
"""Seconds to wait for a sandbox's answer; the first one takes 2 to 5."""

_REFUSALS: dict[str, type[Exception]] = {
    "BUSY": SandboxBusy,
    "OTHER_COMMAND": CommandConflict,
    "BAD_NAME": CommandRefused,
    "BAD_ARGV": CommandRefused,
    "BAD_ENV": CommandRefused,
    "BAD_CWD": CommandRefused,
    "BAD_NETWORK": CommandRefused,
    "BAD_TREE": TreeRefused,
    "INCOMPLETE": TreeRefused,
    "NOT_UNPACKED": TreeRefused,
    "NOT_REMOVED": TreeRefused,
    "DISK": TreeRefused,
    "STORE": SetupNotKept,
    "TOO_LARGE": SetupNotKept,
    "NOT_PACKED": SetupNotKept,
    "CHECKED": SetupNotKept,
    "BEGUN": SetupNotKept,
}


@cache
def microvm_client() -> Any:
    import boto3

    # a retry after a lost answer carries the same client token and finds the same machine
    return boto3.client(
        "lambda-microvms", config=Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 4})
    )


class MicrovmSandboxes:
    """Sandboxes as MicroVMs of one image.

    `image` is its ARN. Each sandbox has a token derived from `secret`, so the secret itself stays here.

    `scope` sets this stack's sandboxes apart. `egress` are the ARNs of the network connectors. At least one is always
    named, because an empty list means the service's default: the internet. `local` allows plain HTTP to loopback.
    """

    def __init__(
        self,
        client: Any,
        image: str,
        *,
        secret: bytes,
        scope: str,
        ingress: tuple[str, ...],
        egress: tuple[str, ...],
        local: bool = False,
        confined: bool = True,
        patience: float = _PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._image, self._secret, self._scope = client, image, secret, scope
        self._ingress, self._egress, self._local, self._confined = ingress, egress, local, confined
        self._patience, self._clock, self._sleep = patience, clock, sleep
        self._proxy_tokens: dict[str, tuple[float, str]] = {}
        self._looked_at: set[str] = set()

    def available(self) -> Availability:
        try:
            image = self._client.get_microvm_image(imageIdentifier=self._image)
            if image.get("latestActiveImageVersion"):
                return Availability(True)
            return Availability(False, self._image_problem(image))
        except ClientError as exc:
            return Availability(False, f"The sandboxes' image cannot be used: {_code(exc)}.")
        except BotoCoreError as exc:
            raise Transient(f"Lambda MicroVMs: {type(exc).__name__}") from exc

    def _image_problem(self, image: dict[str, Any]) -> str:
        if version := image.get("latestFailedImageVersion"):
            found = self._client.get_microvm_image_version(imageIdentifier=self._image, imageVersion=version)
            if reason := found.get("stateReason"):
                return str(reason)
        return f"The sandboxes' image is {image['state']}."

    def open(self, key: SandboxKey, spec: SandboxSpec) -> Handle:
        arguments: dict[str, Any] = {
            "imageIdentifier": self._image,
            "clientToken": hashlib.sha256(f"{self._scope}|{key}".encode()).hexdigest(),
            "ingressNetworkConnectors": list(self._ingress),
            "egressNetworkConnectors": list(self._egress),
            "idlePolicy": {
                # the service refuses less than a minute
                "maxIdleDurationSeconds": max(spec.idle_seconds, 60),
                "suspendedDurationSeconds": _KEPT_SUSPENDED_SECONDS,
                "autoResumeEnabled": False,
            },
            "maximumDurationInSeconds": spec.max_seconds,
            "runHookPayload": self._payload(key, spec),
        }
        if spec.image_version:
            arguments["imageVersion"] = spec.image_version
        try:
            answer = self._client.run_microvm(**arguments)
        except (ClientError, BotoCoreError) as exc:
            _raise(exc)
        handle = Handle(key, answer["microvmId"], answer["endpoint"])
        # a replay may answer PENDING for a dead machine; a new one may not be listed yet
        self._require_alive(handle, unknown="PENDING")
        return handle

    def put(self, handle: Handle, tree: Tree, *, clean: bool = False) -> str:
        return str(self._ask(handle, lambda agent: agent.put(tree, clean=clean)))

    def start(self, handle: Handle, command_id: str, command: Command) -> None:
        self._ask(handle, lambda agent: agent.start(command_id, command))

    def poll(self, handle: Handle, command_id: str, offset: int = 0, wait: float = 0) -> CommandStatus:
        try:
            status: CommandStatus = self._ask(handle, lambda agent: agent.poll(command_id, offset, wait))
        except SandboxLost as exc:
            # an end of the command like any other: its caller polls until one comes
            return CommandStatus.lost(str(exc))
        return status

    def kill(self, handle: Handle, command_id: str) -> None:
        try:
            self._ask(handle, lambda agent: agent.kill(command_id))
        except SandboxLost:
            return

    def changes(
        self, handle: Handle, max_bytes: int, max_files: int = 500, ignored: frozenset[str] = IGNORED_FOLDERS
    ) -> ChangedFiles:
        changes: ChangedFiles = self._ask(handle, lambda agent: agent.changes(max_bytes, max_files, ignored))
        return changes

    def save_setup(self, handle: Handle, url: str, max_bytes: int) -> int:
        return int(self._ask(handle, lambda agent: agent.setup("save", url, max_bytes)))

    def restore_setup(self, handle: Handle, url: str, max_bytes: int) -> int:
        return int(self._ask(handle, lambda agent: agent.setup("restore", url, max_bytes)))

    def suspend(self, handle: Handle) -> bool:
        self._tell(handle, "suspend_microvm")
        return True

    def close(self, handle: Handle) -> None:
        self._proxy_tokens.pop(handle.id, None)
        try:
            self._client.terminate_microvm(microvmIdentifier=handle.id)
        except ClientError as exc:
            # Conflict: it is ending already
            if _code(exc) not in ("ResourceNotFoundException", "ConflictException"):
                _raise(exc)
        except BotoCoreError as exc:
            _raise(exc)

    def sweep(self, keep: Callable[[str, float], bool]) -> list[str]:
        ended = []
        try:
            pages = self._client.get_paginator("list_microvms").paginate(imageIdentifier=self._image)
            for machine in [one for page in pages for one in page["items"]]:
                age = time.time() - machine["startedAt"].timestamp()
                if machine["state"] not in _GONE and not keep(machine["microvmId"], age):
                    self.close(Handle(SandboxKey(""), machine["microvmId"], ""))
                    ended.append(machine["microvmId"])
        except (ClientError, BotoCoreError) as exc:
            _raise(exc)
        return ended

    def _payload(self, key: SandboxKey, spec: SandboxSpec) -> str:
        digest = hashlib.sha256(self._token(key).encode()).hexdigest()
        payload = json.dumps({"tokenSha256": digest, "hosts": sorted(spec.hosts)}, separators=(",", ":"))
        # the limit of the service
        if len(payload.encode()) > 4096:
            raise SandboxUnavailable("The allow-list of set-up is longer than a sandbox accepts.")
        return payload

    def _token(self, key: SandboxKey) -> str:
        """Derive the token: a repeated start must be identical to the byte."""
        return hmac.new(self._secret, f"{self._scope}|{key}".encode(), hashlib.sha256).hexdigest()

    def _ask(self, handle: Handle, request: Callable[[AgentClient], Any]) -> Any:
        """Send a request, waiting for a starting sandbox and resuming a suspended one."""
        deadline, pause = self._clock() + self._patience, 0.02
        while True:
            try:
                agent = AgentClient(self._connector(handle), self._headers(handle))
                self._require_box(handle, agent)
                return request(agent)
            except AgentRefused as exc:
                problem = self._refused(handle, exc)
            except AgentSilent as exc:
                problem = str(exc)
            if self._require_alive(handle) == "SUSPENDED":
                self._tell(handle, "resume_microvm")
            if self._clock() >= deadline:
                raise Transient(f"The sandbox does not answer: {problem}")
            self._sleep(pause)
            pause = min(pause * 1.5, 2.0)

    def _require_box(self, handle: Handle, agent: AgentClient) -> None:
        """Check isolation, once per sandbox. Raises SandboxUnavailable if there is none."""
        if self._confined and handle.id not in self._looked_at:
            if not agent.health()["confined"]:
                raise SandboxUnavailable("The sandbox would run commands without isolation.")
            self._looked_at.add(handle.id)

    def _refused(self, handle: Handle, exc: AgentRefused) -> str:
        """Return the reason of a temporary refusal; raise an error for any other."""
        if exc.code in _REFUSALS:
            raise _REFUSALS[exc.code](str(exc)) from exc
        if exc.code == "NO_COMMAND":
            raise SandboxLost("The sandbox does not know this command.") from exc
        # the proxy no longer takes the token: the next round makes another
        if exc.status == 403:
            self._proxy_tokens.pop(handle.id, None)
        elif exc.status not in (429, 502, 503, 504):
            raise Transient(f"The sandbox answered {exc.status} {exc.code}".rstrip()) from exc
        return f"{exc.status} {exc.code}".rstrip()

    def _headers(self, handle: Handle) -> dict[str, str]:
        made, token = self._proxy_tokens.get(handle.id, (0.0, ""))
        if not token or self._clock() - made > (_TOKEN_MINUTES - 10) * 60:
            token = self._proxy_token(handle)
            self._proxy_tokens[handle.id] = (self._clock(), token)
        return {"X-aws-proxy-auth": token, "X-Groundwork-Token": self._token(handle.key)}

    def _connector(self, handle: Handle) -> Callable[[float], http.client.HTTPConnection]:
        if self._local and handle.endpoint.partition(":")[0] in LOOPBACK:
            return lambda timeout: http.client.HTTPConnection(handle.endpoint, timeout=timeout, blocksize=2**18)
        return lambda timeout: http.client.HTTPSConnection(handle.endpoint, timeout=timeout, blocksize=2**18)

    def _require_alive(self, handle: Handle, unknown: str = "") -> str:
        """Return the state; `unknown` for a machine unknown to the service. Raises SandboxLost."""
        try:
            machine = self._client.get_microvm(microvmIdentifier=handle.id)
        except ClientError as exc:
            if _code(exc) != "ResourceNotFoundException":
                _raise(exc)
            if not unknown:
                raise SandboxLost("The sandbox is gone.") from exc
            return unknown
        except BotoCoreError as exc:
            _raise(exc)
        if machine["state"] in _GONE:
            raise SandboxLost(f"The sandbox has ended: {machine.get('stateReason') or 'no reason given'}")
        return str(machine["state"])

    def _tell(self, handle: Handle, method: str) -> None:
        """Suspend or resume the machine. Raises SandboxLost."""
        try:
            getattr(self._client, method)(microvmIdentifier=handle.id)
        except ClientError as exc:
            if _code(exc) not in ("ConflictException", "ResourceNotFoundException"):
                _raise(exc)
            # changing its state, or gone
            self._require_alive(handle)
        except BotoCoreError as exc:
            _raise(exc)

    def _proxy_token(self, handle: Handle) -> str:
        try:
            answer = self._client.create_microvm_auth_token(
                microvmIdentifier=handle.id, expirationInMinutes=_TOKEN_MINUTES, allowedPorts=[{"port": _PORT}]
            )
        except ClientError as exc:
            if _code(exc) == "ResourceNotFoundException":
                raise SandboxLost("The sandbox is gone.") from exc
            _raise(exc)
        except BotoCoreError as exc:
            _raise(exc)
        return str(answer["authToken"]["X-aws-proxy-auth"])


def _code(exc: ClientError) -> str:
    return str(exc.response["Error"]["Code"])


def _raise(exc: ClientError | BotoCoreError) -> NoReturn:
    """Raise NoCapacity (wait), SandboxUnavailable (a person must act), or Transient (unclear)."""
    if isinstance(exc, BotoCoreError):
        raise Transient(f"Lambda MicroVMs: {type(exc).__name__}") from exc
    code, message = _code(exc), str(exc.response["Error"].get("Message", ""))
    if code in ("ServiceQuotaExceededException", "InsufficientCapacityException"):
        raise NoCapacity(f"No sandbox is available now: {message or code}") from exc
    # only the message distinguishes a reused token from other invalid requests
    if code == "ValidationException" and "different request parameters" in message:
        raise KeyReused() from exc
    if code in ("AccessDeniedException", "ResourceNotFoundException", "ValidationException"):
        raise SandboxUnavailable(f"Lambda MicroVMs refused: {code}: {message}") from exc
    raise Transient(f"Lambda MicroVMs: {code}") from exc
