"""Set-up: network access through an allow-list, and its result kept for the next check."""

import socket
import tempfile
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundwork.adapters.aws.setup_store import S3SetupStore
from groundwork.sandbox.agent.egress import Egress
from groundwork.sandbox.agent.refusal import Refused
from groundwork.sandbox.errors import SetupNotKept
from groundwork.sandbox.keeping import keep, restore
from groundwork.sandbox.model import Ending, SandboxKey, SandboxSpec
from groundwork.sandbox.setup_key import setup_key
from local.endpoint import AwsEndpoint
from local.microvms.launcher import SandboxSettings
from local.microvms.package_hosts import PackageHosts, host_of, without_user
from tests.sandbox.conftest import MakeStandIn, Runner, StandIn

MB = 2**20
FETCH = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())"


class _Registry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"package of {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def registry() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def runner(make_stand_in: MakeStandIn, registry: int, tmp_path: Path) -> Runner:
    packages = PackageHosts((f"127.0.0.1:{registry}",), {"PIP_INDEX_URL": f"http://127.0.0.1:{registry}/simple"})
    made: StandIn = make_stand_in(SandboxSettings(disk_mb=256, memory_mb=1024, packages=lambda: packages))
    sandboxes = made.sandboxes()
    handle = sandboxes.open(SandboxKey("setup"), SandboxSpec(hosts=("127.0.0.2", "allowed.invalid")))
    return Runner(sandboxes, handle, tmp_path / "tree")


def test_set_up_reaches_the_machines_own_registry_and_is_told_of_it(runner: Runner, registry: int) -> None:
    url = f"http://127.0.0.1:{registry}/simple"
    _, log = runner.run(("python3", "-c", FETCH, url), setup=True, network=True)
    assert log == f"package of 127.0.0.1:{registry}\n"
    assert (
        runner.run("echo $PIP_INDEX_URL $HTTPS_PROXY", setup=True, network=True)[1] == f"{url} http://127.0.0.1:3128\n"
    )


def test_a_tunnel_is_made_to_an_allowed_host_alone(runner: Runner, registry: int) -> None:
    code = """
import socket, sys
for line in sys.argv[1:]:
    one = socket.create_connection(("127.0.0.1", 3128))
    one.sendall(f"CONNECT {line} HTTP/1.1\\r\\n\\r\\n".encode())
    print(one.recv(200).split(b"\\r\\n")[0].decode())
one.sendall(b"GET / HTTP/1.0\\r\\nHost: tunnel\\r\\n\\r\\n")
print(one.makefile().read().splitlines()[-1])
"""
    hosts = [
        "example.com:443",
        "127.0.0.1:22",
        "127.0.0.2:443",
        "allowed.invalid:443",
        f"127.0.0.1:{registry}",
    ]
    _, log = runner.run(("python3", "-c", code, *hosts), setup=True, network=True)
    assert log.splitlines() == [
        "HTTP/1.1 403 example.com:443 is not an allowed host",
        "HTTP/1.1 403 127.0.0.1:22 is not an allowed host",
        # the repository may name hosts of the internet, not those of the machine's own network
        "HTTP/1.1 403 127.0.0.2 leads to an address that is not public",
        "HTTP/1.1 502 allowed.invalid has no address",
        "HTTP/1.1 200 Connection established",
        "package of tunnel",
    ]


def test_set_up_reaches_nothing_but_by_the_proxy(runner: Runner, registry: int) -> None:
    code = f"import socket; socket.create_connection(('127.0.0.1', {registry}), 5)"
    _, log = runner.run(("python3", "-c", code), setup=True, network=True)
    assert "Connection refused" in log


def test_a_check_after_set_up_has_no_way_out(runner: Runner, registry: int) -> None:
    runner.run("true", setup=True, network=True)
    _, log = runner.run(("python3", "-c", FETCH, f"http://127.0.0.1:{registry}/"))
    assert "Connection refused" in log
    assert runner.run("ls -d /run 2>/dev/null; echo $HTTPS_PROXY")[1] == "\n"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "169.254.169.254",
        "10.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "fe80::1",
        "0.0.0.0",
    ],
)
def test_a_private_address_is_refused_even_if_the_repository_lists_it(host: str) -> None:
    egress = Egress()
    egress.given = (host, "*")
    with pytest.raises(Refused):
        egress.address(host, 443)


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("a.example", "a.example", 443, True),
        ("a.example", "A.Example", 80, True),
        ("a.example", "a.example", 22, False),
        ("a.example:8443", "a.example", 8443, True),
        ("a.example:8443", "a.example", 443, False),
        ("*.example", "b.example", 443, True),
        ("*.example", "example", 443, False),
        ("*.example", "bexample", 443, False),
        ("a.example", "a.example.evil", 443, False),
    ],
)
def test_hosts_are_allowed_by_name_and_port(
    monkeypatch: pytest.MonkeyPatch, entry: str, host: str, port: int, allowed: bool
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("93.184.215.14", port))])
    egress = Egress()
    egress.given = (entry,)
    if allowed:
        assert egress.address(host, port) == ("93.184.215.14", port)
    else:
        with pytest.raises(Refused):
            egress.address(host, port)


def test_a_mirrors_password_stays_out() -> None:
    assert without_user("https://me:secret@mirror.example:8443/simple") == "https://mirror.example:8443/simple"
    assert host_of("https://me:secret@mirror.example:8443/simple") == "mirror.example:8443"
    assert host_of("file:///packages") == ""


def test_the_key_is_that_of_the_lock_files_and_the_set_up() -> None:
    files = {"package-lock.json": b"{}", "src/a.js": b"1", "web/requirements-dev.txt": b"x"}
    key = setup_key("shop", ["npm ci"], "image", files)
    assert key.startswith("setups/shop/")
    assert setup_key("shop", ["npm ci"], "image", {**files, "src/a.js": b"2"}) == key
    others = [
        setup_key("shop", ["npm ci"], "image", {**files, "package-lock.json": b"{ }"}),
        setup_key("shop", ["npm ci"], "image", {**files, "web/requirements-dev.txt": b"y"}),
        setup_key("shop", ["npm install"], "image", files),
        setup_key("shop", ["npm ci"], "image 2", files),
        setup_key("other", ["npm ci"], "image", files),
    ]
    assert len({key, *others}) == 6


@pytest.mark.parametrize(
    "path",
    [
        *("pom.xml", "app/build.gradle", "build.gradle.kts", "gradle.lockfile", "settings.gradle", "buildSrc/src/A.kt"),
        *("gradle/libs.versions.toml", "gradle/wrapper/gradle-wrapper.properties", ".mvn/maven.config"),
        *("requirements/base.txt", "web/requirements-dev/all.yml", "requirements.in", "dev-requirements.txt"),
        *("requirements.dev.in", "constraints.txt", "Pipfile", "Pipfile.lock", "environment.yml", "pip.conf"),
        *("setup.py", "setup.cfg", "pyproject.toml", "uv.lock", "pdm.lock", "poetry.lock", ".python-version"),
        *("Gemfile", "Gemfile.lock", "lib.gemspec", "composer.json", "composer.lock", "mix.exs", "mix.lock"),
        *("package.json", "bun.lock", "bun.lockb", "pnpm-lock.yaml", "pnpm-workspace.yaml", "yarn.lock", ".npmrc"),
        *(".nvmrc", ".yarnrc.yml", ".yarn/releases/yarn.cjs", "patches/left-pad+1.3.0.patch", "deno.lock"),
        *("go.mod", "go.sum", "go.work", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"),
        *("pubspec.yaml", "pubspec.lock", "app/App.csproj", "packages.lock.json", "Directory.Packages.props"),
        *("NuGet.Config", "Podfile", "Package.resolved", ".tool-versions", "Makefile", "justfile", "flake.lock"),
    ],
)
def test_a_file_that_decides_about_set_up_changes_the_key(path: str) -> None:
    keys = {setup_key("shop", ["make deps"], "image", {path: content}) for content in (b"1", b"2")}
    assert len(keys) == 2


@pytest.mark.parametrize(
    "command",
    [
        "./ci/install.sh --quiet",
        "pip install -r ci/install.sh",
        "pip install -rci/install.sh",
        "pip install --requirement=ci/install.sh&&true",
        "cd ci && sh install.sh; true",
        "bash -c 'set -e; bash ci/install.sh'",
        "pip install git+https://example.com/a#egg=a -c ci/../ci/install.sh",
        "LIST=ci/install.sh make deps",
        "cat < ci/install.sh | sh 'unclosed",
    ],
)
def test_a_file_named_by_a_command_of_set_up_changes_the_key(command: str) -> None:
    keys = {setup_key("shop", [command], "image", {"ci/install.sh": content}) for content in (b"1", b"2")}
    others = {setup_key("shop", [command], "image", {"src/app.py": content}) for content in (b"1", b"2")}
    assert (len(keys), len(others)) == (2, 1)


def test_sources_keep_the_key() -> None:
    paths = ("src/app.py", "web/src/a.ts", "tests/test_app.py", "README.md", "docs/index.txt", "src/lock.go")
    keys = {setup_key("shop", ["npm ci"], "image", {path: content}) for path in paths for content in (b"1", b"2")}
    assert keys == {setup_key("shop", ["npm ci"], "image", {})}


@pytest.fixture(scope="module")
def store() -> Iterator[S3SetupStore]:
    endpoint = AwsEndpoint()
    keys: Any = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    client = boto3.session.Session().client("s3", endpoint_url=endpoint.url, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="setups")
    yield S3SetupStore(client, "setups")
    endpoint.close()


@pytest.fixture
def another(lasting: StandIn) -> Runner:
    sandboxes = lasting.sandboxes()
    handle = sandboxes.open(SandboxKey(uuid.uuid4().hex), SandboxSpec())
    return Runner(sandboxes, handle, Path(tempfile.mkdtemp()) / "tree")


def test_what_set_up_made_is_there_in_the_next_sandbox(box: Runner, another: Runner, store: S3SetupStore) -> None:
    assert not restore(box.sandboxes, store, box.handle, "setups/a.tar")
    box.put({"a.txt": "old", "lock": "1"})
    box.run(
        "mkdir -p lib/deep $HOME/.cache; echo one > lib/deep/x; ln -s deep lib/link; echo c > $HOME/.cache/c",
        setup=True,
    )
    assert keep(box.sandboxes, store, box.handle, "setups/a.tar", on_default_head=True)

    assert restore(another.sandboxes, store, another.handle, "setups/a.tar")
    another.put({"a.txt": "new", "lock": "1"}, clean=True)
    assert (
        another.run("cat a.txt lib/link/x ~/.cache/c; find . -type f | sort")[1]
        == "newone\nc\n./a.txt\n./lib/deep/x\n./lock\n"
    )
    assert another.sandboxes.changes(another.handle, MB).files == ()


def test_read_only_folders_of_set_up_are_restored_whole(box: Runner, another: Runner, store: S3SetupStore) -> None:
    box.put({"a.txt": "a"})
    made = "mkdir -p lib/foo; touch lib/foo/bar.go lib/foo.go; chmod 555 lib/foo lib"
    box.run(f"{made}; mkdir -p ~/go/pkg; cp -r lib ~/go/pkg/mod; chmod 555 ~/go/pkg/mod/foo ~/go/pkg/mod", setup=True)
    assert keep(box.sandboxes, store, box.handle, "setups/read-only.tar", on_default_head=True)
    assert restore(another.sandboxes, store, another.handle, "setups/read-only.tar")
    another.put({"a.txt": "a"}, clean=True)
    assert another.run("find lib ~/go -type f | wc -l; stat -c %a ~/go/pkg/mod/foo")[1] == "4\n555\n"


def test_only_the_head_of_the_default_branch_keeps_its_set_up(box: Runner, store: S3SetupStore) -> None:
    box.put({"a.txt": "a"})
    box.run("touch made", setup=True)
    assert not keep(box.sandboxes, store, box.handle, "setups/b.tar", on_default_head=False)
    assert store.read_url("setups/b.tar") is None


def test_nothing_is_kept_once_a_check_has_run(box: Runner, store: S3SetupStore) -> None:
    box.put({"a.txt": "a"})
    box.run("touch made", setup=True)
    box.run("echo poison > made")
    with pytest.raises(SetupNotKept):
        box.sandboxes.save_setup(box.handle, store.write_url("setups/c.tar"), MB)
    assert store.read_url("setups/c.tar") is None


def test_a_set_up_that_is_too_large_is_not_kept(box: Runner, store: S3SetupStore) -> None:
    box.put({"a.txt": "a"})
    box.run("head -c 3000000 /dev/zero > made", setup=True)
    with pytest.raises(SetupNotKept, match="2 MB"):
        box.sandboxes.save_setup(box.handle, store.write_url("setups/d.tar"), MB)


def test_a_set_up_is_restored_into_an_empty_sandbox_alone(box: Runner, store: S3SetupStore) -> None:
    box.put({"a.txt": "a"})
    box.run("touch made", setup=True)
    assert keep(box.sandboxes, store, box.handle, "setups/e.tar", on_default_head=True)
    assert not restore(box.sandboxes, store, box.handle, "setups/e.tar")


def test_a_store_that_does_not_answer_means_that_set_up_runs(box: Runner) -> None:
    class Nowhere:
        def read_url(self, key: str) -> str:
            return f"http://127.0.0.1:9/{key}?"

        write_url = read_url

    assert not restore(box.sandboxes, Nowhere(), box.handle, "x")
    box.put({"a.txt": "a"})
    status, _ = box.run("touch made", setup=True)
    assert status.ending is Ending.EXIT
    assert not keep(box.sandboxes, Nowhere(), box.handle, "x", on_default_head=True)
