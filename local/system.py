"""The local system: the template's API, functions, resources and schedules in one process."""

import gc
import os
import threading
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
from local.data_refresh import DataRefresher
from local.disk_space import DiskWatch
from local.dropped_files import DropFolder
from local.endpoint import AwsEndpoint
from local.http_api import HttpApi
from local.invoke_api import InvokeApi
from local.microvms.configure import IMAGE, LocalMicrovms
from local.object_rules import ObjectEvents, object_rules
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
from local.template import SamTemplate, http_functions
from local.timers import TimerWatch

_SERVICE_URL = "AWS_ENDPOINT_URL_"
# Names of services in boto3's variable, where they differ from the upper-case name.
_SERVICE_NAMES = {"secretsmanager": "SECRETS_MANAGER"}


class LocalSystem:
    """A served template from `start` (or `with`) to `close`.

    Only one can exist in a process, as moto's state is global.
    `env`: the shell's environment (default: this process's). `port`: 0 takes a free one. `parameters`: the template's;
    AdminToken is always the token. `dashboard`: folder of the built dashboard, served at /. `storage`: persistent
    tables, closed with the system; without it moto keeps them in memory.
    Tests shorten the waits of Lambda, EventBridge and SQS: `retry_delays` (seconds before each retry of an asynchronous
    event), `minute` (length of a schedule's minute in seconds) and `poll_interval` (seconds between two polls of a
    queue). Those of a few functions start without `warm` sandboxes.
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
        warm: bool = True,
        log: Log = logs.print_line,
    ) -> None:
        self._path = Path(template)
        self._host, self._dashboard, self._storage = host, dashboard, storage
        self._env = dict(os.environ if env is None else env)
        self._parameters = dict(parameters or {})
        self._retry_delays, self._minute, self._poll_interval = retry_delays, minute, poll_interval
        self._warm = warm
        self._log = log
        self._storage_env: dict[str, str] = {}
        self._closing = ExitStack()
        self._lock = threading.Lock()
        self.region = self._env.get("AWS_REGION") or self._env.get("AWS_DEFAULT_REGION") or "us-east-1"
        self.token = admin_token(self._env)
        self.url = ""
        """Address of the HTTP API, such as http://127.0.0.1:3000."""
        self.port = port
        """Port of the HTTP API."""
        self.endpoint_url = ""
        """Address of the local AWS: moto's services and Lambda's Invoke."""
        self.unsupported_schedules: list[Schedule] = []
        """Schedules with an expression other than a rate; they never fire."""

    def start(self) -> Self:
        """Start serving.

        Raises CannotListen, or TokenTooWeak for a public address with the default token.
        """
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
        """Stop serving and end every process, invocations in flight included."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def client(self, service: str) -> Any:
        """Return a boto3 client of the local AWS, such as "sqs"."""
        return self._client(service)

    def invoke(self, function: str, event: bytes) -> Outcome:
        """Invoke a function (logical id, name or ARN) and wait for the outcome."""
        return self._runner.run(function, event)

    def fire_schedules(self, function: str) -> int:
        """Fire all schedules of a function (logical id) now; return their number."""
        due = [schedule for schedule in schedules(self._template) if schedule.function == function]
        for schedule in due:
            self._fire(schedule)
        return len(due)

    def pids(self, function: str) -> list[int]:
        """Return the process ids of a function (logical id)."""
        return self._pool.pids(self._runner.process_of(function).name)

    def kill_sandboxes(self, function: str) -> int:
        """Kill a function's processes with SIGKILL; return their number."""
        return self._pool.kill(self._runner.process_of(function).name)

    def stalled_tables(self) -> AbstractContextManager[None]:
        """Stall DynamoDB until the block ends."""
        return self._endpoint.stalled_tables()

    def _start(self) -> None:
        if self._storage is not None:
            self._storage_env = self._storage.environment()
        objects = ObjectFiles(self._storage.folder.objects) if self._storage else None
        self._endpoint = endpoint = AwsEndpoint(objects)
        self._closing.callback(endpoint.close)
        self._microvms = LocalMicrovms(self._env)
        self._closing.callback(self._microvms.close)
        endpoint.microvms = self._microvms.service
        self.endpoint_url = endpoint.url
        self._session = boto3.session.Session()
        self._client = cache(self._make_client)
        self._template = self._load_template()
        # before the objects are restored: each is told to these rules again
        rules = list(object_rules(self._template))
        self._object_events = ObjectEvents(rules, self._client, self._submit, self._say, interval=self._poll_interval)
        self._closing.callback(self._object_events.close)
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
        if self._warm:
            self._pool.warm(self._runner.process_of(name) for name in http_functions(self._template))
        if self._storage is not None:
            self._watch_disk(self._storage)
            self._recover(self._storage)
        _freeze_modules()

    def _keep(self, storage: Storage) -> None:
        """Restore moto's objects, then refresh secrets and the sign of life in the background."""
        ObjectFiles(storage.folder.objects).restore(self._client("s3"), self._say)
        keeper = DataRefresher(storage.folder, SecretFile(storage.folder.secrets, self._client), self._say)
        keeper.start()
        self._closing.callback(keeper.close)
        drops = DropFolder(storage.folder.objects, self._template, self._client, self._say)
        self._closing.callback(drops.close)
        drops.start()

    def _watch_disk(self, storage: Storage) -> None:
        watch = DiskWatch(storage.folder.path, self._pool.pause, self._resume, self._say)
        self._closing.callback(watch.close)
        watch.start()

    def _resume(self) -> None:
        self._pool.resume()
        # The pause has killed workers: their runs need not wait for the next sweep.
        self._sweep()

    def _recover(self, storage: Storage) -> None:
        recovery = Recovery(self._template, self.invoke, self._sweep, self._say, storage.last_seen)
        self._closing.callback(recovery.close)
        # Without earlier tables there is no interrupted work.
        if storage.keeps_tables and storage.last_seen is not None:
            recovery.start()

    def _sweep(self) -> None:
        for schedule in schedules(self._template):
            self._fire(schedule)

    def _say(self, line: str) -> None:
        self._log("local", line)

    def _load_template(self) -> SamTemplate:
        """Read the template twice: first to create its resources, then with their attributes."""
        parameters = {
            "SandboxImage": IMAGE,
            "SandboxMemory": str(self._microvms.baseline_mb),
            **self._parameters,
            "AdminToken": self.token,
        }
        draft = SamTemplate(self._path, parameters=parameters, region=self.region)
        attributes = create_resources(draft, self._client, self.region)
        return SamTemplate(self._path, parameters=parameters, region=self.region, attributes=attributes)

    def _serve(self) -> None:
        api = HttpApi(
            self._template, self._runner, host=self._host, port=self.port, read_only=lambda: self._pool.paused
        )
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
                self.unsupported_schedules.append(schedule)
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
        self._object_events.start()
        poller = QueuePoller(
            self._runner, self._pool, self._client, self.region, self._say, interval=self._poll_interval
        )
        self._closing.callback(poller.close)
        for source in queue_sources(self._template):
            poller.start(source)

    def _submit(self, function: str, event: bytes) -> None:
        self._async_invokes.submit(function, event)

    def _fire(self, schedule: Schedule) -> None:
        # A paused pool would collect one waiting event each minute.
        if self._pool.paused:
            return
        self._async_invokes.submit(schedule.function, schedule.event(self.region))

    def _aws(self) -> dict[str, str]:
        """Return the variables to point a function's AWS SDK at the local AWS."""
        return {
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **self._credentials(),
            **self._own_endpoints(),
            "AWS_ENDPOINT_URL": self.endpoint_url,
        }

    def _own_endpoints(self) -> dict[str, str]:
        """Return the user's endpoints of services elsewhere, such as AWS_ENDPOINT_URL_DYNAMODB."""
        own = {name: url for name, url in (self._storage_env | self._env).items() if name.startswith(_SERVICE_URL)}
        return {name: url for name, url in own.items() if url}

    def _credentials(self) -> dict[str, str]:
        """Return dummy credentials, or the shell's if it names a service elsewhere: it may be real."""
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        if key := self._storage_env.get(names[0]):
            return {names[0]: key, names[1]: "local"}
        if self._own_endpoints() and self._env.get(names[0]):
            return {name: self._env[name] for name in names if name in self._env}
        return {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}

    def _make_client(self, service: str) -> Any:
        own = self._own_endpoints().get(_SERVICE_URL + _SERVICE_NAMES.get(service, service.upper()))
        credentials = self._credentials()
        # A session can make only one client at a time.
        with self._lock:
            return self._session.client(
                service,  # type: ignore[call-overload]
                endpoint_url=own or self.endpoint_url,
                region_name=self.region,
                aws_access_key_id=credentials["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=credentials["AWS_SECRET_ACCESS_KEY"],
                aws_session_token=credentials.get("AWS_SESSION_TOKEN"),
                # A function runs up to 900 s, and a repeated Invoke would run it twice.
                config=Config(max_pool_connections=50, read_timeout=910, retries={"total_max_attempts": 1}),
            )


@cache
def _freeze_modules() -> None:
    """Hide SAM CLI, moto and the first system from the garbage collector, as they stay."""
    gc.collect()
    gc.freeze()
