"""A check with its installation, and with a kept set-up: python -m benchmarks.kept_setup

The one benchmark that needs a network: set-up fetches pytest from where this machine's pip has it.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3

from groundwork.adapters.aws.setup_store import S3SetupStore
from groundwork.sandbox.keeping import keep, restore
from groundwork.sandbox.model import Command, CommandLimits, CommandStatus, Handle, SandboxKey, SandboxSpec, Tree, shell
from groundwork.sandbox.port import Sandboxes
from groundwork.sandbox.setup_key import setup_key
from local.endpoint import AwsEndpoint
from local.microvms.configure import CallOnce
from local.microvms.launcher import SandboxSettings
from local.microvms.package_hosts import package_hosts
from tests.sandbox.conftest import StandIn

SETUP = "python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt"
VERIFY = ".venv/bin/python -m pytest -q"
FILES = {"requirements.txt": "pytest\n", "test_sum.py": "def test_sum():\n    assert 1 + 1 == 2\n"}


def main() -> None:
    endpoint = AwsEndpoint()
    keys: Any = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    client = boto3.session.Session().client("s3", endpoint_url=endpoint.url, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="setups")
    store, key = S3SetupStore(client, "setups"), setup_key("bench", [SETUP], "local", _lock_files())
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as checkout:
        for path, text in FILES.items():
            Path(checkout, path).write_text(text)
        stand_in = StandIn(SandboxSettings(disk_mb=1024, packages=CallOnce(package_hosts)), Path(folder))
        try:
            sandboxes = stand_in.sandboxes()
            figures = {name: _check(sandboxes, store, key, Tree(Path(checkout)), name) for name in ("first", "second")}
            print(json.dumps(figures, indent=2))
        finally:
            stand_in.close()
            endpoint.close()


def _check(sandboxes: Sandboxes, store: S3SetupStore, key: str, tree: Tree, name: str) -> dict[str, Any]:
    began = time.perf_counter()
    handle = sandboxes.open(SandboxKey(name), SandboxSpec())
    restored = restore(sandboxes, store, handle, key)
    sandboxes.put(handle, tree)
    if not restored:
        _run(sandboxes, handle, "setup", Command(shell(SETUP), setup=True, network=True))
        keep(sandboxes, store, handle, key, on_default_head=True)
    status = _run(sandboxes, handle, "verify", Command(shell(VERIFY), limits=CommandLimits(seconds=120)))
    sandboxes.close(handle)
    seconds = round(time.perf_counter() - began, 2)
    return {"restored": restored, "exit_code": status.exit_code, "seconds": seconds}


def _run(sandboxes: Sandboxes, handle: Handle, name: str, command: Command) -> CommandStatus:
    sandboxes.start(handle, name, command)
    while (status := sandboxes.poll(handle, name, 2**62, 20)).ending is None:
        pass
    if status.exit_code != 0:
        raise SystemExit(sandboxes.poll(handle, name).log.text or status.detail)
    return status


def _lock_files() -> dict[str, bytes]:
    return {path: text.encode() for path, text in FILES.items()}


if __name__ == "__main__":
    main()
