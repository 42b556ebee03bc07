"""The built functions in the real Lambda runtime.

AWS's emulator and its client, without a container.

The emulator runs one function and one invocation at a time and knows neither names nor Event invokes nor function
errors. `Front` adds those: a pool of emulators a function, behind Lambda's Invoke call.
"""

import json
import platform
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import samcli.local.rapid

ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
EMULATOR = Path(samcli.local.rapid.__path__[0]) / f"aws-lambda-rie-{ARCHITECTURE}"
INVOKE = "/2015-03-31/functions/function/invocations"
START_SECONDS = 60
START_TRIES = 3

Environ = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """A built function with its environment. `timeout` in seconds."""

    name: str
    code: Path
    layers: tuple[Path, ...]
    handler: str
    timeout: int
    memory: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of an invocation; `error` is '' or Lambda's X-Amz-Function-Error."""

    payload: bytes
    error: str = ""

    def json(self) -> Any:
        return json.loads(self.payload)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One finished invocation."""

    function: str
    event: Any
    answer: Answer
    seconds: float
    sandbox: int


class Sandbox:
    """One emulator with its runtime, warm from its first invocation on."""

    def __init__(self, function: BuiltFunction, runtime: Path, log: Path) -> None:
        self._timeout = function.timeout
        self._log = log.open("ab")
        for _ in range(START_TRIES):
            self._start(function, runtime)
            if self._listens():
                return
            self._end()
        raise RuntimeError(f"the emulator does not listen; see {self._log.name}")

    def _start(self, function: BuiltFunction, runtime: Path) -> None:
        # the emulator takes no port of its own choice, and these may be taken before it comes to them
        self._port, api_port = _free_ports(2)
        addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{self._port}"]
        addresses += ["--runtime-api-address", f"127.0.0.1:{api_port}"]
        # -S: of this test environment's packages the function must see none, only its layer's and the runtime's
        command = [_interpreter(), "-S", "-m", "awslambdaric", function.handler]
        self._process = subprocess.Popen(
            [str(EMULATOR), *addresses, *command],
            cwd=function.code,
            env=_environment(function, runtime),
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def number(self) -> int:
        return self._process.pid

    def invoke(self, event: bytes) -> Answer:
        """One at a time only: a second one at once crashes the emulator."""
        request = Request(f"http://127.0.0.1:{self._port}{INVOKE}", data=event)
        with urlopen(request, timeout=self._timeout + START_SECONDS) as response:
            return _as_lambda_says_it(response.read())

    def close(self) -> None:
        self._end()
        self._log.close()

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def _listens(self) -> bool:
        """Waits until it does; False when it has ended, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                # not another program's port: then the emulator would be ending
                return self._process.poll() is None
        return False


class Front:
    """WSGI application for Lambda's Invoke on built functions; `throttled` ones refuse."""

    def __init__(self, functions: Iterable[BuiltFunction], runtime: Path, logs: Path) -> None:
        self.invocations: list[Invocation] = []
        self.throttled: set[str] = set()
        self._functions = {function.name: function for function in functions}
        self._runtime = runtime
        self._logs = logs
        self._idle: dict[str, list[Sandbox]] = defaultdict(list)
        self._all: list[Sandbox] = []
        self._lock = threading.Lock()
        self._events = ThreadPoolExecutor(20)
        self._accepted: list[Future[Answer]] = []

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        # /2015-03-31/functions/NAME/invocations, where NAME may be an ARN
        name = environ["PATH_INFO"].split("/")[3].rpartition(":")[2]
        event = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if name not in self._functions:
            start_response("404 Not Found", [("x-amzn-errortype", "ResourceNotFoundException")])
            return [json.dumps({"Type": "User", "Message": f"Function not found: {name}"}).encode()]
        if name in self.throttled:
            start_response("429 Too Many Requests", [("x-amzn-errortype", "TooManyRequestsException")])
            return [b'{"Type": "User", "Message": "Rate exceeded"}']
        if environ.get("HTTP_X_AMZ_INVOCATION_TYPE") == "Event":
            self._accepted.append(self._events.submit(self._deliver, name, event))
            start_response("202 Accepted", [])
            return [b""]
        answer = self.invoke(name, event)
        headers = [("X-Amz-Function-Error", answer.error)] if answer.error else []
        start_response("200 OK", [("Content-Type", "application/json"), *headers])
        return [answer.payload]

    def invoke(self, name: str, event: bytes) -> Answer:
        """Wait for the answer, from an idle sandbox if possible.

        Raises KeyError for an unknown name.
        """
        sandbox = self._take(self._functions[name])
        started = time.monotonic()
        answer = sandbox.invoke(event or b"{}")
        seconds = time.monotonic() - started
        with self._lock:
            self.invocations.append(Invocation(name, json.loads(event or b"{}"), answer, seconds, sandbox.number))
            # Lambda starts a new sandbox after a dead process; here after any failure
            if not answer.error:
                self._idle[name].append(sandbox)
        return answer

    def _deliver(self, name: str, event: bytes) -> Answer:
        """Invoke for an asynchronous event: twice more after errors, as Lambda does after minutes."""
        answer = self.invoke(name, event)
        for seconds in (1, 2):
            if not answer.error:
                break
            time.sleep(seconds)
            answer = self.invoke(name, event)
        return answer

    def settle(self, seconds: float = 120) -> None:
        """Wait for the end of every accepted event, including the events caused by it.

        What a function writes is seen before its invocation has ended. Raises TimeoutError.
        """
        settled = 0
        # an event's successors are accepted before it ends, so when none is new there will be none
        while (accepted := len(self._accepted)) > settled:
            if wait(self._accepted[:accepted], seconds).not_done:
                raise TimeoutError(f"not every event has ended after {seconds} s")
            settled = accepted

    def log(self, name: str) -> str:
        """Return all output of a function."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._logs.glob(f"{name}-*.log")))

    def close(self) -> None:
        self._events.shutdown(wait=True)
        for sandbox in self._all:
            sandbox.close()

    def _take(self, function: BuiltFunction) -> Sandbox:
        with self._lock:
            if self._idle[function.name]:
                return self._idle[function.name].pop()
            number = len(self._all)
            sandbox = Sandbox(function, self._runtime, self._logs / f"{function.name}-{number}.log")
            self._all.append(sandbox)
            return sandbox


def _as_lambda_says_it(payload: bytes) -> Answer:
    """Detect a failure by its text: the emulator always answers 200."""
    if b"Task timed out after" in payload:
        return Answer(json.dumps({"errorMessage": payload.decode()}).encode(), "Unhandled")
    try:
        answer = json.loads(payload)
    except ValueError:
        return Answer(payload)
    failed = isinstance(answer, dict) and "errorMessage" in answer and "errorType" in answer
    return Answer(payload, "Unhandled" if failed else "")


def _environment(function: BuiltFunction, runtime: Path) -> dict[str, str]:
    """Return the variables of the template and of Lambda, none of this process."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "LAMBDA_TASK_ROOT": str(function.code),
        # /var/task comes first, as the working directory; then the layers, as /opt/python; then the runtime's own
        "PYTHONPATH": ":".join([*(str(layer / "python") for layer in function.layers), str(runtime)]),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(function.timeout),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "_HANDLER": function.handler,
        **function.environment,
    }


def _interpreter() -> str:
    """Return the base Python of the test environment."""
    return str(Path(sys.base_prefix) / "bin" / "python3.13")


def _free_ports(count: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in servers]
    for server in servers:
        server.close()
    return ports
