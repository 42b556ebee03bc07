"""All settings, read from the environment in this one place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a function; an empty string for an unset variable."""

    backlog_table: str
    runs_table: str
    plans_table: str
    private_bucket: str
    process_next: str
    plan_executor: str
    plan_machine: str
    """ARN of the state machine for plans."""

    plan_executor_arn: str
    schedule_role: str
    """ARN of the role used by EventBridge Scheduler to invoke plan_executor."""

    schedule_prefix: str
    max_tasks: int
    """Maximum number of running tasks in the account."""

    ai: str
    model: str
    mock_latency_ms: int
    mock_answers: str
    """Packed answers of the mock for known cards; only the local system sets them."""

    anthropic_api_key: str
    anthropic_base_url: str
    anthropic_secret: str
    token_secret: str
    region: str
    local: bool
    """True if AWS is emulated on this machine: only then may a repository be a path."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings. Raises ValueError with the variable's name for an invalid number."""
        latency = _whole_number(environ, "GROUNDWORK_MOCK_LATENCY_MS", 800)
        return cls(
            backlog_table=environ.get("GROUNDWORK_BACKLOG_TABLE", ""),
            runs_table=environ.get("GROUNDWORK_RUNS_TABLE", ""),
            plans_table=environ.get("GROUNDWORK_PLANS_TABLE", ""),
            private_bucket=environ.get("GROUNDWORK_PRIVATE_BUCKET", ""),
            # process_next and plan_executor invoke themselves: Lambda provides their own names
            process_next=environ.get("GROUNDWORK_PROCESS_NEXT") or environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            plan_executor=environ.get("GROUNDWORK_PLAN_EXECUTOR") or environ.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            plan_machine=environ.get("GROUNDWORK_PLAN_MACHINE", ""),
            plan_executor_arn=environ.get("GROUNDWORK_PLAN_EXECUTOR_ARN", ""),
            schedule_role=environ.get("GROUNDWORK_SCHEDULE_ROLE", ""),
            schedule_prefix=environ.get("GROUNDWORK_SCHEDULE_PREFIX", ""),
            max_tasks=_whole_number(environ, "GROUNDWORK_MOST_TASKS", 20),
            ai=environ.get("GROUNDWORK_AI", ""),
            model=environ.get("GROUNDWORK_MODEL", ""),
            mock_latency_ms=latency,
            mock_answers=environ.get("GROUNDWORK_MOCK_ANSWERS", ""),
            anthropic_api_key=environ.get("ANTHROPIC_API_KEY", ""),
            anthropic_base_url=environ.get("ANTHROPIC_BASE_URL", ""),
            anthropic_secret=environ.get("GROUNDWORK_ANTHROPIC_SECRET", ""),
            token_secret=environ.get("GROUNDWORK_TOKEN_SECRET", ""),
            region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or "us-east-1",
            local=urlsplit(environ.get("AWS_ENDPOINT_URL", "")).hostname in LOOPBACK,
        )


def _whole_number(environ: Mapping[str, str], name: str, default: int) -> int:
    # a default of `get` would not replace an empty value
    text = environ.get(name) or str(default)
    # int() would also take signs, spaces and underscores
    if not text.isdigit():
        raise ValueError(f"{name} must be a whole number, not {text!r}")
    return int(text)
