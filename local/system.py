"""The local system put together: the template's API, functions, resources and schedules in one process."""

import gc
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from local import logs
from local.access import admin_token, check_access
from local.async_invokes import RETRY_DELAYS, AsyncInvokes
from local.dashboard import Dashboard
from local.endpoint import AwsEndpoint
from local.http_api import HttpApi
from local.invoke_api import InvokeApi
from local.keeper import Keeper
from local.microvms.configure import LocalMicrovms
from local.objects import ObjectFiles
from local.pool import SandboxPool
from local.queue_sources import QueuePoller, queue_sources
from local.recovery import Recovery
from local.resources import create_resources
from local.runtime import LambdaRunner
from local.sandbox import Log, Outcome
from local.schedules import Clock, Schedule, schedules
from local.secret_file import SecretFile
from local.serving import Server
from local.state_machines import ExecutionWatch, create_machines, status_rules
from local.storage import Storage
from local.template import Template, called_over_http
from local.timers import TimerWatch

_SERVICE_URL = "AWS_ENDPOINT_URL_"
# what boto3 calls a service in that variable, where it is not only upper case
_SERVICE_NAMES = {"secretsmanager": "SECRETS_MANAGER"}


class LocalSystem:
    """Serves a template from `start` (or `with`) to `close`. One at a time in a process: moto's state is global.

    `env` is the shell's environment (default: this process's); `port` 0 takes a free one; `parameters` are the
    template's, AdminToken is the token anyway. `dashboard` is where the dashboard is built; it is then served at /.
    `storage` keeps the tables and is closed with the system; without it moto does, in memory.
    What Lambda, EventBridge and SQS wait for can be shortened: `retry_delays` (seconds before each further try of an
    asynchronous event), `minute` (seconds that a schedule's minute lasts) and `poll_interval` (seconds between two
    looks into a queue).
    """

    def __init__(
        self,
        template: str | Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        env: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
        dashboard: Path | None = None,
        storage: Storage | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        minute: float = 60.0,
        poll_interval: float = 1.0,
        log: Log = logs.show,
    ) -> None:
        self._path = Path(template)
        self._host, self._dashboard, self._storage = host, dashboard, storage
        self._env = dict(os.environ if env is None else env)
        self._parameters = dict(parameters or {})
        self._retry_delays, self._minute, self._poll_interval = retry_delays, minute, poll_interval
        self._log = log
        self._kept: dict[str, str] = {}
        self._closing = ExitStack()
        self.region = self._env.get("AWS_REGION") or self._env.get("AWS_DEFAULT_REGION") or "us-east-1"
        self.token = admin_token(self._env)
        self.url = ""
        """Where the HTTP API listens, such as http://127.0.0.1:3000."""
        self.port = port
        """That of the HTTP API."""
        self.endpoint_url = ""
        """Where the local AWS listens: moto's services and Lambda's Invoke."""
        self.unfired: list[Schedule] = []
        """Schedules whose expression is not a rate; they are not fired."""

    def start(self) -> Self:
        """Starts serving. Raises PortInUse, and TokenTooWeak for an address that others reach."""
        if self._storage is not None:
            self._closing.callback(self._storage.close)
        try:
            check_access(self._host, self.token)
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stops serving and ends every process, invocations in flight included."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS, such as "sqs"."""
        return self._client(service)

    def invoke(self, function: str, event: bytes) -> Outcome:
        """Invokes a function by logical id, name or ARN, and waits for it."""
        return self._runner.run(function, event)

    def fire_schedules(self, function: str) -> int:
        """Fires the schedules of a function now, by its logical id; answers how many it has."""
        due = [schedule for schedule in schedules(self._template) if schedule.function == function]
        for schedule in due:
            self._fire(schedule)
        return len(due)

    def pids(self, function: str) -> list[int]:
        """The processes of a function, by its logical id."""
        return self._pool.pids(self._runner.process_of(function).name)

    def kill_sandboxes(self, function: str) -> int:
        """Ends a function's processes with SIGKILL and answers how many there were."""
        return self._pool.kill(self._runner.process_of(function).name)

    def stalled_tables(self) -> AbstractContextManager[None]:
        """DynamoDB answers nothing until the block ends."""
        return self._endpoint.stalled_tables()

    def _start(self) -> None:
        if self._storage is not None:
            self._kept = self._storage.environment()
        objects = ObjectFiles(self._storage.folder.objects) if self._storage else None
        self._endpoint = endpoint = AwsEndpoint(objects)
        self._closing.callback(endpoint.close)
        microvms = LocalMicrovms(self._env)
        self._closing.callback(microvms.close)
        endpoint.microvms = microvms.service
        self.endpoint_url = endpoint.url
        self._client = cache(self._make_client)
        self._template = self._read_template()
        if self._storage is not None:
            self._keep(self._storage)
        self._pool = SandboxPool(self._log)
        self._closing.callback(self._pool.close)
        self._runner = LambdaRunner(self._template, self._pool, shell=self._env, aws=self._aws())
        self._async_invokes = AsyncInvokes(
            self._template, self._runner, self._pool, self._client, self._log, delays=self._retry_delays
        )
        self._closing.callback(self._async_invokes.close)
        endpoint.invocations = InvokeApi(self._runner, self._async_invokes).wsgi
        self._start_events()
        self._serve()
        self._pool.warm(self._runner.process_of(name) for name in called_over_http(self._template))
        if self._storage is not None:
            self._recover(self._storage)
        # SAM CLI and moto stay loaded: the collector need not look through them at every request
        gc.collect()
        gc.freeze()

    def _keep(self, storage: Storage) -> None:
        """Put back what moto has forgotten, and keep secrets and the time of the last sign of life up to date."""
        ObjectFiles(storage.folder.objects).restore(self._client("s3"))
        keeper = Keeper(storage.folder, SecretFile(storage.folder.secrets, self._client), self._say)
        keeper.start()
        self._closing.callback(keeper.close)

    def _recover(self, storage: Storage) -> None:
        recovery = Recovery(self._template, self.invoke, self._sweep, self._say, storage.last_seen)
        self._closing.callback(recovery.close)
        if storage.keeps_tables and storage.last_seen is not None:
            recovery.start()

    def _sweep(self) -> None:
        for schedule in schedules(self._template):
            self._fire(schedule)

    def _say(self, line: str) -> None:
        self._log("local", line)

    def _read_template(self) -> Template:
        """The template, read twice: to learn which resources there are, then with what their intrinsics stand for."""
        parameters = {**self._parameters, "AdminToken": self.token}
        draft = Template(self._path, parameters=parameters, region=self.region)
        attributes = create_resources(draft, self._client, self.region)
        return Template(self._path, parameters=parameters, region=self.region, attributes=attributes)

    def _serve(self) -> None:
        api = HttpApi(self._template, self._runner, host=self._host, port=self.port)
        app = api.wsgi if self._dashboard is None else Dashboard(self._dashboard, api.wsgi, self._template)
        server = Server(app, self._host, self.port)
        api.port = self.port = server.port
        self._closing.callback(server.close)
        self.url = server.url

    def _start_events(self) -> None:
        clock = Clock(self._fire, minute=self._minute)
        self._closing.callback(clock.close)
        for schedule in schedules(self._template):
            if schedule.minutes is None:
                self.unfired.append(schedule)
            else:
                clock.start(schedule)
        rules = list(status_rules(self._template))
        machines = create_machines(self._template, self._client)
        watch = ExecutionWatch(machines, self._client, self._async_invokes.submit, rules, interval=self._poll_interval)
        self._closing.callback(watch.close)
        watch.start()
        timers = TimerWatch(self._client, self._async_invokes.submit, interval=self._poll_interval)
        self._closing.callback(timers.close)
        timers.start()
        poller = QueuePoller(self._runner, self._pool, self._client, self.region, interval=self._poll_interval)
        self._closing.callback(poller.close)
        for source in queue_sources(self._template):
            poller.start(source)

    def _fire(self, schedule: Schedule) -> None:
        self._async_invokes.submit(schedule.function, schedule.event(self.region))

    def _aws(self) -> dict[str, str]:
        """The variables that point a function's AWS SDK at the local AWS."""
        return {
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **self._credentials(),
            **self._own_endpoints(),
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def _own_endpoints(self) -> dict[str, str]:
        """Services that the user has elsewhere, such as AWS_ENDPOINT_URL_DYNAMODB for a DynamoDB Local."""
        own = {name: url for name, url in (self._kept | self._env).items() if name.startswith(_SERVICE_URL)}
        return {name: url for name, url in own.items() if url}

    def _credentials(self) -> dict[str, str]:
        """Dummies; the shell's own only where it names a service elsewhere, which may be a real one."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        if key := self._kept.get(names[0]):
            return {names[0]: key, names[1]: "local"}
        if self._own_endpoints() and self._env.get(names[0]):
            return {name: self._env[name] for name in names if name in self._env}
        return {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}

    def _make_client(self, service: str) -> Any:
        own = self._own_endpoints().get(_SERVICE_URL + _SERVICE_NAMES.get(service, service.upper()))
        credentials = self._credentials()
        # the default session is not safe to make clients with in several threads
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=own or self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
            config=Config(max_pool_connections=50, read_timeout=910, retries={"total_max_attempts": 1}),
        )
