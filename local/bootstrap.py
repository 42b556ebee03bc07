"""Entry point of a sandbox process: awslambdaric's bootstrap over an inherited socket.

Runs as a script. Arguments: the file descriptors of the socket and of the lifeline, and the handler. Imports nothing of
this project: the function must see only the template's layers and its own directory.
"""

import gc
import json
import os
import signal
import socket
import sys
import threading
from typing import Any

from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_client import InvocationRequest, LambdaRuntimeClient

NOT_DEPLOYED = ("awscrt", "OpenSSL")
"""Packages of moto and SAM CLI.

boto3 would load them, but a function's artifact has none of them.
"""


class SocketRuntimeClient(LambdaRuntimeClient):  # type: ignore[misc]
    """Runtime API client; a message is one line of JSON, then `length` bytes."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__("unused")
        self._stream = connection.makefile("rwb")
        self._ready = False

    def wait_next_invocation(self) -> InvocationRequest:
        if not self._ready:
            self._ready = True
            # Imported modules stay: without the freeze, collecting them takes a sixth of a short invocation.
            gc.collect()
            gc.freeze()
            self._send("ready")
        header = self._stream.readline()
        if not header:
            os._exit(0)
        request = json.loads(header)
        return InvocationRequest(
            invoke_id=request["requestId"],
            x_amzn_trace_id=None,
            invoked_function_arn=request["functionArn"],
            deadline_time_in_ms=request["deadlineMs"],
            client_context=None,
            cognito_identity=None,
            tenant_id=None,
            content_type="application/json",
            event_body=self._stream.read(request["length"]),
            invocation_id=None,
        )

    def post_invocation_result(self, invoke_id: str, result_data: Any, *_: Any) -> None:
        self._send("result", result_data)

    def post_invocation_error(self, invoke_id: str, error_response_data: str, *_: Any) -> None:
        self._send("error", error_response_data)

    def post_init_error(self, error_response_data: dict[str, Any], error_type_override: str | None = None) -> None:
        self._send("error", json.dumps(error_response_data))

    def _send(self, kind: str, payload: str | bytes = b"") -> None:
        body = payload.encode() if isinstance(payload, str) else payload
        # The function's output must be out before its response.
        sys.stdout.flush()
        sys.stderr.flush()
        self._stream.write(json.dumps({"kind": kind, "length": len(body)}).encode() + b"\n" + body)
        self._stream.flush()


def die_with_parent(lifeline: int) -> None:
    """Wait for the parent's end, even by SIGKILL, then kill this process and its children."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    connection, lifeline, handler = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    sys.argv = [handler]
    # A child of the function must not keep the pipes open.
    os.set_inheritable(connection, False)
    os.set_inheritable(lifeline, False)
    threading.Thread(target=die_with_parent, args=(lifeline,), daemon=True).start()
    for name in NOT_DEPLOYED:
        sys.modules[name] = None  # type: ignore[assignment]
    # `-P` kept this script's folder off the path; Lambda has the function's folder in front.
    sys.path.insert(0, os.getcwd())
    bootstrap.run(handler, SocketRuntimeClient(socket.socket(fileno=connection)))


if __name__ == "__main__":
    main()
