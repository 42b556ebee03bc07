"""What stands in for Docker behind SAM CLI's LocalLambdaRunner: the pool of sandboxes."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from samcli.commands.local.lib.local_lambda import LocalLambdaRunner

from local.pool import SandboxPool
from local.sandbox import FunctionProcess, Outcome
from local.template import ACCOUNT, Template

FUNCTION_ERROR = "x-amz-function-error"
# Lambda's account limit is 1,000; a laptop's is lower. An invocation over it waits, as an asynchronous one would
CONCURRENCY = 32


class SandboxRuntime:
    """SAM CLI's runtime interface: runs a function's configuration on an event, the answer goes to `stdout`."""

    def __init__(self, pool: SandboxPool, describe: Callable[[Any], FunctionProcess]) -> None:
        self._pool = pool
        self._describe = describe

    def invoke(
        self, config: Any, event: str, tenant_id: str | None = None, *, stdout: Any, **_: Any
    ) -> dict[str, str] | None:
        """Answers the response headers: FUNCTION_ERROR if the function failed, whose error is then in `stdout`."""
        outcome = self._pool.invoke(self._describe(config), event.encode())
        stdout.write_str(outcome.payload.decode())
        return {FUNCTION_ERROR: "Unhandled"} if outcome.failed else None


class LambdaRunner(LocalLambdaRunner):  # type: ignore[misc]
    """LocalLambdaRunner over sandboxes.

    `shell` are the variables that win over the template's, as with `sam local`; `aws` are the ones of the local AWS
    (endpoint, credentials, region), which every function gets.
    """

    def __init__(
        self, template: Template, pool: SandboxPool, *, shell: Mapping[str, str], aws: Mapping[str, str]
    ) -> None:
        root = str(template.root)
        super().__init__(
            SandboxRuntime(pool, self.describe),
            template.functions,
            cwd=root,
            real_path=root,
            env_vars_values={"Parameters": dict(shell)},
        )
        self._template = template
        self._pool = pool
        self._aws = aws
        self._processes: dict[str, FunctionProcess] = {}

    def get_aws_creds(self) -> dict[str, str]:
        """The local AWS takes any; looking for the user's real ones would ask the network."""
        return {}

    def run(self, identifier: str, event: bytes) -> Outcome:
        """Invoke a function and wait for it. Raises SAM CLI's FunctionNotFound."""
        return self._pool.invoke(self.process_of(identifier), event)

    def process_of(self, identifier: str) -> FunctionProcess:
        """How to run the function with this logical id, name or ARN. Raises SAM CLI's FunctionNotFound."""
        # resolved once: template and shell stay as they are, and SAM CLI takes milliseconds over it
        if identifier not in self._processes:
            self._processes[identifier] = self.describe(self.get_invoke_config(self.get_function(identifier)))
        return self._processes[identifier]

    def describe(self, config: Any) -> FunctionProcess:
        """How to run a function, from SAM CLI's configuration of it."""
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
        """Only what the template declares, and what Lambda itself sets."""
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
            "LAMBDA_TASK_ROOT": config.code_abs_path,
            "_HANDLER": config.handler,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            # SAM CLI leaves out the first slash
            "AWS_LAMBDA_LOG_GROUP_NAME": config.env_vars.logging_config.get("LogGroup", f"/aws/lambda/{name}"),
            **self._aws,
        }
