"""The sandbox pool as runtime of SAM CLI's LocalLambdaRunner, in place of Docker."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from samcli.commands.local.lib.local_lambda import LocalLambdaRunner

from local.pool import SandboxPool, WhilePaused
from local.sandbox import FunctionProcess, Outcome
from local.template import ACCOUNT, SamTemplate

FUNCTION_ERROR = "x-amz-function-error"
CONCURRENCY = 32
"""Maximum of sandboxes for a function; Lambda's account limit is 1,000. Invocations queue."""
LOCAL_VARIABLES = ("GROUNDWORK_MOCK_ANSWERS",)
"""Variables of the shell for every function, though the deployed template has none of them."""


class SandboxRuntime:
    """SAM CLI's runtime interface: runs a function and writes its response to `stdout`."""

    def __init__(self, pool: SandboxPool, describe: Callable[[Any], FunctionProcess]) -> None:
        self._pool = pool
        self._describe = describe

    def invoke(
        self, config: Any, event: str, tenant_id: str | None = None, *, stdout: Any, **_: Any
    ) -> dict[str, str] | None:
        """Return the response headers; FUNCTION_ERROR means `stdout` holds the function's error."""
        outcome = self._pool.invoke(self._describe(config), event.encode())
        stdout.write_str(outcome.payload.decode())
        return {FUNCTION_ERROR: "Unhandled"} if outcome.failed else None


class LambdaRunner(LocalLambdaRunner):  # type: ignore[misc]
    """LocalLambdaRunner over sandboxes.

    `shell`: variables overriding the template's, as with `sam local`. `aws`: endpoint, credentials and region of the
    local AWS, set for every function.
    """

    def __init__(
        self, template: SamTemplate, pool: SandboxPool, *, shell: Mapping[str, str], aws: Mapping[str, str]
    ) -> None:
        root = str(template.root)
        super().__init__(
            SandboxRuntime(pool, self.describe),
            template.functions,
            cwd=root,
            real_path=root,
            env_vars_values={"Parameters": dict(shell)},
        )
        self._template, self._shell = template, shell
        self._pool = pool
        self._aws = aws
        self._processes: dict[str, FunctionProcess] = {}

    def get_aws_creds(self) -> dict[str, str]:
        """Return none: the local AWS accepts any, and a search for real ones would use the network."""
        return {}

    def run(self, identifier: str, event: bytes, *, while_paused: WhilePaused = WhilePaused.WAIT) -> Outcome:
        """Invoke a function and wait for the outcome. Raises SAM CLI's FunctionNotFound."""
        return self._pool.invoke(self.process_of(identifier), event, while_paused=while_paused)

    def process_of(self, identifier: str) -> FunctionProcess:
        """Return the process description of a function (logical id, name or ARN).

        Raises SAM CLI's FunctionNotFound.
        """
        # Cached: template and shell do not change, and SAM CLI takes milliseconds.
        if identifier not in self._processes:
            self._processes[identifier] = self.describe(self.get_invoke_config(self.get_function(identifier)))
        return self._processes[identifier]

    def describe(self, config: Any) -> FunctionProcess:
        """Build the process description from SAM CLI's configuration of a function."""
        logical_id = self._template.functions.get(config.name).function_id
        properties = self._template.resources[logical_id].properties
        reserved = properties.get("ReservedConcurrentExecutions")
        return FunctionProcess(
            name=config.name,
            arn=f"arn:aws:lambda:{self._aws['AWS_REGION']}:{ACCOUNT}:function:{config.name}",
            handler=config.handler,
            directory=Path(config.code_abs_path),
            timeout=float(config.timeout),
            environment=self._environment(config),
            concurrency=min(int(reserved), CONCURRENCY) if reserved else CONCURRENCY,
        )

    def _environment(self, config: Any) -> dict[str, str]:
        """Return the variables of the template and of Lambda itself, nothing else."""
        layers = [str(self._template.root / layer.codeuri) for layer in config.layers]
        name = config.name
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "PYTHONPATH": os.pathsep.join(layers),
            "PYTHONUNBUFFERED": "1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.runtime}",
            **{key: str(value) for key, value in config.env_vars.resolve().items()},
            **{name: self._shell[name] for name in LOCAL_VARIABLES if name in self._shell},
            "LAMBDA_TASK_ROOT": config.code_abs_path,
            "_HANDLER": config.handler,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            # SAM CLI's default lacks the first slash.
            "AWS_LAMBDA_LOG_GROUP_NAME": config.env_vars.logging_config.get("LogGroup", f"/aws/lambda/{name}"),
            # Last: no variable of the shell leads a function to the real AWS.
            **self._aws,
        }
