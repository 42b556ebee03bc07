"""Check settings in requests, validated."""

from typing import Annotated, Literal

from pydantic import Field

from groundwork.checks.model import MAX_COMMANDS, CheckSettings, CommandLine
from groundwork.values import Value

MAX_HOSTS = 20
MAX_VARIABLES = 50
MAX_TIMEOUT_S = 3_600

Commands = Annotated[tuple[CommandLine, ...], Field(max_length=MAX_COMMANDS)]
AllowedCommands = Annotated[
    tuple[Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+/-]*$")], ...],
    Field(max_length=MAX_COMMANDS),
]
# a name, *.name or name:port, as the sandbox's proxy takes them
Host = Annotated[
    str,
    Field(
        max_length=253,
        pattern=r"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+(:[0-9]{1,5})?$",
    ),
]
VariableName = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
VariableValue = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]


class ChecksBody(Value):
    """Commands to prove a change. `setup` and `verify` are lines for `/bin/sh -c`.

    `allowed` are other programs that a session may run. `network`: "setup" opens the machine's package registries and
    `hosts` to the set-up. Limits are for each command.
    """

    setup: Commands = ()
    verify: Commands = ()
    allowed: AllowedCommands = ()
    network: Literal["setup", "off"] = "setup"
    hosts: Annotated[tuple[Host, ...], Field(max_length=MAX_HOSTS)] = ()
    timeout_s: Annotated[int, Field(ge=1, le=MAX_TIMEOUT_S)] = 600
    memory_mb: Annotated[int, Field(ge=64)] = 2_048
    env: Annotated[dict[VariableName, VariableValue], Field(max_length=MAX_VARIABLES)] = Field(default_factory=dict)
    require_review: bool = False
    allow_red_baseline: bool = False

    def settings(self) -> CheckSettings:
        return CheckSettings(**self.model_dump())
