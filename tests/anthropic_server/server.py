"""A server of the Anthropic Messages API on 127.0.0.1, with scripted faults and a bill.

    with AnthropicServer(on_calls({2: rate_limited()})) as server:
        model = anthropic_api("claude-sonnet-5-5", "key", server.url)
        ...
        assert counted == server.billed

It validates requests like the real API (a key, a version, a closed schema; else 400 or 401). It returns the mock's
answers in the API's form, so tests cover the real SDK, its parsing and ours. It bills like the API: every response with
a message, even a bad one, and no error. The fixed part of a prompt is written to the cache at its first use and read
later.

- `faults`: a script of faults, see `faults.py`.
- `requests_a_minute`: rate limiting with the API's headers and 429, refilled steadily; `burst` calls may come at once.
- `latency_s`: seconds of each response.
- `server.calls`: number of calls; `server.calls_of(task)`; `server.requests`: their bodies, in order.
- `server.authorizations`: their Authorization headers, in the same order.
- `server.billed`: usage of all complete responses. Abandoned calls are billed too, so compare with the counted usage
  only if no call was abandoned.
- `server.first_call`: an event, set at the first call.
- `server.at_once`: maximum of concurrent calls.
"""

import json
import math
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast

from pydantic import BaseModel

from groundwork.llm.mock import model
from groundwork.llm.port import ModelTask, Question, Usage
from tests.anthropic_server import turns
from tests.anthropic_server.faults import Call, Fault, Kind, Script, never

_ESTIMATE = 4
"""Characters a token, about."""


class _Budget:
    """A token bucket of `burst` calls, refilled at a steady rate."""

    def __init__(self, a_minute: int, burst: int) -> None:
        self.a_minute, self._burst = a_minute, burst
        self._left, self._at = float(burst), time.monotonic()

    def take(self) -> float:
        """0 if there was one left, else the seconds until there is."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self.a_minute / 60)
        self._at = now
        if self._left < 1:
            return (1 - self._left) * 60 / self.a_minute
        self._left -= 1
        return 0.0

    @property
    def remaining(self) -> int:
        return int(self._left)

    @property
    def full_in_s(self) -> float:
        """When the budget is whole again, as the API's reset headers say it."""
        return (self._burst - self._left) * 60 / self.a_minute


class AnthropicServer:
    """See the module."""

    def __init__(
        self,
        faults: Script = never,
        *,
        requests_a_minute: int | None = None,
        burst: int | None = None,
        latency_s: float = 0.0,
    ) -> None:
        self.faults, self.latency_s = faults, latency_s
        self.budget = _Budget(requests_a_minute, burst or requests_a_minute) if requests_a_minute else None
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str] = []
        self.billed = Usage()
        self.at_once = 0
        self.closing, self.first_call = threading.Event(), threading.Event()
        self._now = 0
        self._cached: set[str] = set()
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def calls(self) -> int:
        return len(self.requests)

    def calls_of(self, task: ModelTask) -> int:
        return sum(_task_of(body) is task for body in self.requests)

    def __enter__(self) -> "AnthropicServer":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()

    def received(self, body: dict[str, Any], authorization: str) -> Call:
        with self._lock:
            self.requests.append(body)
            self.authorizations.append(authorization)
            self.first_call.set()
            self._now += 1
            self.at_once = max(self.at_once, self._now)
            return Call(len(self.requests), body, _text_of(body["messages"][0]))

    def left(self) -> None:
        with self._lock:
            self._now -= 1

    def wait(self, seconds: float) -> None:
        """Sleeps, but never beyond the server's end."""
        if seconds:
            self.closing.wait(seconds)

    def over_limit(self) -> float:
        with self._lock:
            return self.budget.take() if self.budget else 0.0

    def usage_of(self, body: Mapping[str, Any], text: str) -> Usage:
        """Return the usage of a response; the system prompt is cached at its first use."""
        fixed = str(body.get("system"))
        asked = sum(len(_text_of(message)) for message in body["messages"]) // _ESTIMATE + 1
        with self._lock:
            known = fixed in self._cached
            self._cached.add(fixed)
        size = len(fixed) // _ESTIMATE
        return Usage(asked, len(text) // _ESTIMATE + 1, size if known else 0, 0 if known else size, calls=1)

    def bill(self, usage: Usage) -> None:
        with self._lock:
            self.billed += usage


class _Http(ThreadingHTTPServer):
    owner: AnthropicServer
    daemon_threads = True
    # hanging and kept-alive connections must not hold up the end of a test
    block_on_close = False
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # an answer in one packet, not two with a delayed acknowledgement between them
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def owner(self) -> AnthropicServer:
        return cast(_Http, self.server).owner

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the test looks at the calls itself."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        if wrong := self._wrong(body):
            return self._error(*wrong)
        call = self.owner.received(body, self.headers.get("authorization", ""))
        try:
            return self._answer(call)
        finally:
            self.owner.left()

    def _wrong(self, body: Mapping[str, Any]) -> tuple[int, str, str] | None:
        if not self.path.endswith("/v1/messages"):
            return 404, "not_found_error", f"no {self.path}"
        if not (self.headers.get("x-api-key") or self.headers.get("authorization")):
            return 401, "authentication_error", "x-api-key header is required"
        if not self.headers.get("anthropic-version"):
            return 400, "invalid_request_error", "anthropic-version: header is required"
        fault = turns.fault_of(body) if "tools" in body else schema_fault(body["output_config"]["format"]["schema"])
        return (400, "invalid_request_error", fault) if fault else None

    def _answer(self, call: Call) -> None:
        if wait := self.owner.over_limit():
            return self._limited(429, "rate_limit_error", wait)
        fault = self.owner.faults(call)
        self.owner.wait(self.owner.latency_s)
        if fault is None:
            return self._message(call, *_good(call.body))
        return self._faulty(call, fault)

    def _faulty(self, call: Call, fault: Fault) -> None:
        match fault.kind:
            case Kind.RATE_LIMITED:
                return self._limited(429, "rate_limit_error", fault.seconds)
            case Kind.OVERLOADED:
                return self._error(529, "overloaded_error", "Overloaded")
            case Kind.FAILED:
                return self._error(fault.status, "api_error", "Internal server error")
            case Kind.FILTERED:
                return self._error(400, "invalid_request_error", "Output blocked by content filtering policy")
            case Kind.DROPPED | Kind.HANGING:
                self.owner.wait(fault.seconds)
                self.close_connection = True
                return None
        return self._bad_answer(call, fault)

    def _bad_answer(self, call: Call, fault: Fault) -> None:
        if "tools" in call.body and fault.kind in turns.BAD:
            return self._message(call, *turns.BAD[fault.kind](call.body))
        good = model.answer(question_of(call.body)) if "tools" not in call.body else {}
        text = json.dumps(good)
        match fault.kind:
            case Kind.TRUNCATED:
                return self._message(call, [said(text[: len(text) // 2])], "max_tokens")
            case Kind.REFUSED:
                return self._message(call, [said("")], "refusal")
            case Kind.MALFORMED:
                return self._message(call, [said(text[:-1] + ',"')], "end_turn")
            case Kind.OUT_OF_RANGE:
                return self._message(call, [said(json.dumps({name: [] for name in good}))], "end_turn")
            case Kind.CUT:
                return self._send(200, {"x": "y" * 1000}, cut=True)
        return self._send(200, {"unexpected": True})

    def _message(self, call: Call, content: list[dict[str, Any]], stop: str) -> None:
        text = "".join(block.get("text") or json.dumps(block.get("input", "")) for block in content)
        usage = self.owner.usage_of(call.body, text)
        details = {"type": "refusal", "category": "general_harms"} if stop == "refusal" else None
        message = {
            "id": f"msg_{call.number}",
            "type": "message",
            "role": "assistant",
            "model": call.body["model"],
            # current models think first; the answer is the block of type text, wherever it stands
            "content": [{"type": "thinking", "thinking": "", "signature": "s"}, *content],
            "stop_reason": stop,
            "stop_details": details,
            "stop_sequence": None,
            "usage": {
                "input_tokens": usage.input,
                "output_tokens": usage.output,
                "cache_read_input_tokens": usage.cache_read,
                "cache_creation_input_tokens": usage.cache_write,
            },
        }
        # Billed before the bytes leave: the client must never see a response missing on the bill.
        self.owner.bill(usage)
        self._send(200, message, self._limits())

    def _limits(self) -> dict[str, str]:
        if not (budget := self.owner.budget):
            return {}
        reset = datetime.now(UTC) + timedelta(seconds=budget.full_in_s)
        return {
            "anthropic-ratelimit-requests-limit": str(budget.a_minute),
            "anthropic-ratelimit-requests-remaining": str(budget.remaining),
            "anthropic-ratelimit-requests-reset": reset.isoformat().replace("+00:00", "Z"),
        }

    def _limited(self, status: int, kind: str, seconds: float) -> None:
        reset = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
        a_minute = self.owner.budget.a_minute if self.owner.budget else 50
        headers = {
            # whole seconds, rounded up, as the API says it; a fraction where a test asked for less than one
            "retry-after": str(math.ceil(seconds) if seconds >= 1 else round(seconds, 3)),
            "anthropic-ratelimit-requests-limit": str(a_minute),
            "anthropic-ratelimit-requests-remaining": "0",
            "anthropic-ratelimit-requests-reset": reset,
        }
        self._error(status, kind, "This request would exceed your rate limit", headers)

    def _error(self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        self._send(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)

    def _send(
        self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None, cut: bool = False
    ) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "content-type": "application/json"}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.wfile.flush()
        self.close_connection = cut or self.close_connection


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _good(body: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Return the mock's answer and stop reason."""
    if "tools" in body:
        return turns.good(body)
    return [said(json.dumps(model.answer(question_of(body))))], "end_turn"


def question_of(body: Mapping[str, Any]) -> Question:
    """Rebuild the question of a request for the mock: task by schema, material by fence."""
    text = _text_of(body["messages"][0])
    material = json.loads(text.removeprefix("<material>\n").removesuffix("\n</material>"))
    return Question(_task_of(body), "", material, BaseModel, body["max_tokens"])


def schema_fault(schema: Any) -> str | None:
    """Check a schema as structured outputs do: no open objects, limits, optional properties."""
    if isinstance(schema, list):
        return next((fault for part in schema if (fault := schema_fault(part))), None)
    if not isinstance(schema, dict):
        return None
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        return "additionalProperties must be false"
    if schema.get("type") == "object" and set(schema["required"]) != set(schema["properties"]):
        return "all properties must be required"
    if limits := {"minLength", "maxLength", "minItems", "maxItems", "pattern", "minimum", "maximum"} & set(schema):
        return f"{', '.join(sorted(limits))} not supported"
    named = schema.get("properties", {}) | schema.get("$defs", {})
    rest = [value for name, value in schema.items() if name not in ("properties", "$defs")]
    return schema_fault([*named.values(), *rest])


def _task_of(body: Mapping[str, Any]) -> ModelTask:
    schema = json.dumps(body["output_config"]["format"]["schema"])
    signs = {
        '"sentiment"': ModelTask.ANALYZE_CARDS,
        '"drafts"': ModelTask.MERGE_EPICS,
        '"goal"': ModelTask.PROPOSE_EPICS,
        '"stories"': ModelTask.WRITE_STORIES,
        '"phases"': ModelTask.WRITE_PLAN,
        '"refinements"': ModelTask.REFINE_TASKS,
        '"additions"': ModelTask.ADD_TASKS,
        '"removals"': ModelTask.ORDER_TASKS,
        '"splits"': ModelTask.SPLIT_TASKS,
    }
    return next((task for sign, task in signs.items() if sign in schema), ModelTask.WRITE_SUBTASKS)


def _text_of(message: Mapping[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
