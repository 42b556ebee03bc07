"""A hostile repository: each attack is held or bounded, seen from outside."""

import contextlib
import os
import resource
import socket
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.sandbox.agent.memory import descendants
from groundwork.sandbox.model import CommandLimits, Ending, SandboxKey, SandboxSpec
from tests.sandbox.conftest import Runner, StandIn, living

MB = 2**20


@pytest.fixture
def processes(lasting: StandIn, box: Runner) -> Iterator[list[int]]:
    """The agent's processes before; afterwards there is none but those."""
    machine = lasting.service.machines.get(box.handle.id)
    box.run("true")
    assert machine is not None
    assert machine.process is not None
    before = living(descendants(machine.process.pid))
    yield before
    assert living(descendants(machine.process.pid)) == before


def _living(pid: int) -> list[int]:
    """Return the process ids without zombies."""
    return [
        one for one in descendants(pid) if Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    ]


@pytest.mark.usefixtures("processes")
def test_a_fork_bomb_stops_at_the_number_of_processes(box: Runner) -> None:
    code = """
import os, time
made = 0
try:
    while made < 2000:
        if os.fork() == 0: time.sleep(60)
        made += 1
except OSError as exc: print(made, exc.strerror)
"""
    status, log = box.python(code, limits={"processes": 64})
    assert log.split(" ", 1)[1] == "Resource temporarily unavailable\n"
    assert int(log.split()[0]) < 64
    assert status.ending is Ending.EXIT


@pytest.mark.parametrize(
    "code",
    [
        "x = bytearray(900 * 2**20)",
        "import os\nfor i in range(6):\n if not os.fork(): x = bytearray(80 * 2**20); break\nos.read(os.pipe()[0], 1)",
        "import mmap\nx = mmap.mmap(-1, 900 * 2**20)\nfor at in range(0, len(x), 4096): x[at] = 1",
    ],
    ids=["one process", "six processes", "shared memory"],
)
@pytest.mark.usefixtures("processes")
def test_memory_is_bounded_for_all_processes_together(box: Runner, code: str) -> None:
    status, _ = box.python(code, limits={"memory_mb": 256})
    assert (status.ending, status.detail) == (Ending.KILLED, "It used more than 256 MB of memory.")


def test_processes_that_share_memory_are_not_counted_twice(box: Runner) -> None:
    code = """
import os, time
kept = bytearray(100 * 2**20)
for _ in range(4):
    if os.fork() == 0: time.sleep(1); os._exit(0)
for _ in range(4): os.wait()
print("done")
"""
    assert box.python(code, limits={"memory_mb": 256})[1] == "done\n"


def test_memory_that_no_process_holds_is_refused(box: Runner) -> None:
    code = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
print(libc.memfd_create(b"x", 0), os.strerror(ctypes.get_errno()))
print(libc.shmget(0, 1 << 31, 0o1600), os.strerror(ctypes.get_errno()))
print(libc.shmget(0, 4096, 0o1600) >= 0)
"""
    _, log = box.python(code)
    assert log == "-1 Function not implemented\n-1 Cannot allocate memory\nTrue\n"


@pytest.mark.parametrize("folder", ["/work", "/tmp", "/home/box", "/dev/shm"])
def test_the_disk_is_bounded_wherever_it_is_written(box: Runner, folder: str) -> None:
    free = os.statvfs("/").f_bavail
    _, log = box.run(f"head -c 600M /dev/zero > {folder}/big; stat -c %s {folder}/big; rm {folder}/big")
    assert "No space left on device" in log
    assert int(log.split()[-1]) <= 256 * MB
    assert free - os.statvfs("/").f_bavail < 100 * MB // 4096


def test_the_number_of_files_is_bounded(box: Runner) -> None:
    code = """
import os
made = 0
try:
    while made < 400_000: os.close(os.open(f"/tmp/{made}", os.O_CREAT)); made += 1
except OSError as exc: print(made, exc.strerror)
"""
    _, log = box.python(code, seconds=60)
    assert "No space left on device" in log
    assert int(log.split()[0]) < 200_000
    assert box.run("touch /tmp/again && echo cleared")[1] == "cleared\n"


def test_a_file_is_bounded(box: Runner) -> None:
    status, _ = box.run(("dd", "if=/dev/zero", "of=/work/big", "bs=1M", "count=50"), limits={"file_mb": 8})
    assert status.exit_code == 128 + 25


@pytest.mark.parametrize("place", ["/", "/dev", "/etc", "/usr", "/usr/bin", "/proc/sys/kernel", "/home"])
def test_nothing_else_can_be_written(box: Runner, place: str) -> None:
    status, _ = box.run(f"touch {place}/groundwork-was-here")
    assert status.exit_code != 0
    assert not Path(place, "groundwork-was-here").exists()


def test_the_kernels_settings_cannot_be_written(box: Runner) -> None:
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    status, _ = box.run("cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern")
    assert status.exit_code != 0
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_no_privilege_is_there_or_can_be_had(box: Runner) -> None:
    _, log = box.run("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; su -c id; mount -t tmpfs x /tmp")
    assert [line.split()[1] for line in log.splitlines()[:5]] == ["0000000000000000"] * 5
    assert "NoNewPrivs:\t1\nSeccomp:\t2\n" in log
    assert "uid=0" not in log


def test_a_set_uid_file_is_without_effect(box: Runner) -> None:
    _, log = box.run("cp /usr/bin/id /work/id; chmod 6755 /work/id; /work/id -u; mount | grep ' /work '")
    assert log.startswith("1000\n")
    assert "nosuid" in log


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",
        "unshare(0x00020000)",
        "setns(0, 0)",
        "ptrace(0, 0, 0, 0)",
        "syscall(425, 8, 0)",
        "syscall(321, 0, 0, 0)",
    ],
    ids=["user namespace", "mount namespace", "setns", "ptrace", "io_uring", "bpf"],
)
def test_system_calls_that_tests_do_not_need_are_refused(box: Runner, call: str) -> None:
    code = f"import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\nprint(libc.{call}, ctypes.get_errno())"
    assert box.python(code)[1] == "-1 1\n"


def test_sockets_are_of_the_usual_families_alone(box: Runner) -> None:
    code = """
import socket
for family, kind, protocol in ((1, 1, 0), (2, 1, 0), (10, 1, 0), (16, 3, 0), (16, 3, 9), (40, 1, 0), (17, 3, 0)):
    try: socket.socket(family, kind, protocol); print(family, "ok")
    except OSError as exc: print(family, exc.strerror)
"""
    refused = "Address family not supported by protocol"
    assert box.python(code)[1].splitlines() == [
        "1 ok", "2 ok", "10 ok", "16 ok", f"16 {refused}", f"40 {refused}", f"17 {refused}",
    ]  # fmt: skip


def test_nothing_outside_is_seen(lasting: StandIn, box: Runner) -> None:
    _, log = box.run("ls -d /root /home/* /var /run /sys /mnt /opt 2>/dev/null; ls /proc | grep -c '^[0-9]'")
    assert log.startswith("/home/box\n")
    assert int(log.splitlines()[1]) <= 6
    _, log = box.run("cat /proc/*/environ | tr '\\0' '\\n'; ls /proc/self/fd | wc -l; ls -l /proc/self/fd")
    assert "HOME=/home/box" in log
    assert "AWS" not in log
    assert "stack" not in log
    assert "memfd" not in log
    assert "socket" not in log


def test_the_agent_is_not_in_the_box(box: Runner) -> None:
    _, log = box.run("cat /proc/*/cmdline | tr '\\0' ' '; find / -name '*.sock' 2>/dev/null; kill -9 -1; kill -9 1")
    assert "serve" not in log
    assert "agent.sock" not in log
    assert box.run("echo again")[1] == "again\n"


@pytest.fixture
def on_the_host() -> Iterator[tuple[int, str]]:
    """A port and an abstract socket with a greeting for each client."""
    name = f"\0groundwork-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind(name)
        abstract.listen()
        for one in (listener, abstract):
            threading.Thread(target=_greet, args=(one,), daemon=True).start()
        yield listener.getsockname()[1], name[1:]


def _greet(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"hello")


def test_a_test_reaches_nothing(box: Runner, on_the_host: tuple[int, str]) -> None:
    port, name = on_the_host
    with socket.create_connection(("127.0.0.1", port)) as connection:
        assert connection.recv(5) == b"hello"
    code = f"""
import socket
for family, address in (
    (2, ("127.0.0.1", {port})), (2, ("127.0.0.1", 3128)), (2, ("169.254.169.254", 80)), (2, ("169.254.170.2", 80)),
    (2, ("192.0.2.1", 443)), (1, "\\0{name}"), (1, "/run/proxy/socket"),
):
    try:
        with socket.socket(family) as one: one.settimeout(3); one.connect(address); print("reached", address)
    except OSError as exc: print(type(exc).__name__)
try: print(socket.getaddrinfo("example.com", 80))
except OSError as exc: print(type(exc).__name__)
"""
    _, log = box.python(code)
    assert "reached" not in log
    assert len(log.splitlines()) == 8


@pytest.fixture
def poor_box(lasting: StandIn, tmp_path: Path) -> Iterator[Runner]:
    """A box whose agent has few descriptors."""
    sandboxes, before = lasting.sandboxes(), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        handle = sandboxes.open(SandboxKey(uuid.uuid4().hex), SandboxSpec())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    yield Runner(sandboxes, handle, tmp_path / "tree")
    sandboxes.close(handle)


def test_a_set_up_that_floods_the_proxy_is_still_killed_at_its_timeout(poor_box: Runner) -> None:
    code = """
import socket, time
kept = []
for _ in range(600):
    one = socket.socket(socket.AF_UNIX)
    one.connect("/run/proxy/socket")
    kept.append(one)
print(len(kept), flush=True)
time.sleep(600)
"""
    status, log = poor_box.python(code, setup=True, network=True, seconds=3)
    assert (status.ending, log) == (Ending.TIMEOUT, "600\n")
    # the places are free again
    answer = "import socket; s = socket.create_connection(('127.0.0.1', 3128)); s.sendall(b'x y z\\r\\n\\r\\n'); "
    _, log = poor_box.python(answer + "print(s.recv(12))", setup=True, network=True)
    assert log == "b'HTTP/1.1 400'\n"


def test_a_daemon_ends_with_its_command(box: Runner, processes: list[int]) -> None:
    status, log = box.run("setsid nohup sleep 600 >/dev/null 2>&1 & (setsid sleep 600 &) ; echo over")
    assert (status.exit_code, log) == (0, "over\n")
    assert processes


def test_no_keystroke_can_be_left_for_a_terminal(box: Runner) -> None:
    code = """
import fcntl, termios
for path in ("/dev/tty", "/dev/stdin", "/dev/console"):
    try: fcntl.ioctl(open(path), termios.TIOCSTI, b"x"); print("typed")
    except OSError as exc: print("refused")
"""
    assert box.python(code)[1] == "refused\n" * 3


def test_a_loop_without_an_end_is_ended_by_the_clock(box: Runner) -> None:
    status, _ = box.run("for i in 1 2 3 4; do (while :; do :; done) & done; wait", seconds=1)
    assert status.ending is Ending.TIMEOUT


def test_escape_sequences_do_not_reach_the_reader(box: Runner) -> None:
    assert box.run(r"printf '\033]52;c;aGk=\007\033[2J\033[31mred\r\n'")[1] == "red\n"


def test_a_link_that_leads_out_is_not_followed_by_the_agent(box: Runner) -> None:
    box.put({"a.txt": "a"})
    box.run("ln -s /etc/passwd secret; rm a.txt; ln -s /etc/hostname a.txt; ln -s / root; ln -s /proc/1/environ env")
    changes = box.sandboxes.changes(box.handle, MB)
    assert {one.path: one.link for one in changes.files} == {
        "a.txt": "/etc/hostname", "env": "/proc/1/environ", "root": "/", "secret": "/etc/passwd",
    }  # fmt: skip
    assert all(one.content is None for one in changes.files)


def test_a_planted_link_does_not_lead_the_next_tree_elsewhere(box: Runner, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    box.put({"src/a.py": "one"})
    box.run(f"rm -r src; ln -s {outside} src; mkdir -p /home/box/x; ln -s /home/box/x deep")
    digest = box.put({"src/a.py": "two", "deep/b.py": "three"})
    assert not any(outside.iterdir())
    assert box.run("cat src/a.py deep/b.py; ls /home/box/x")[1] == "twothree"
    assert len(digest) == 64


def test_strange_files_do_not_stop_the_agent(box: Runner) -> None:
    box.put({"a.txt": "a"})
    code = r"""
import os
os.mkfifo("pipe"); os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 2**29)
open(b"\xff\x1b[31m", "w").close(); open("new\nline", "w").close()
os.chmod("a.txt", 0); os.mkdir("shut", 0); open("loop", "w"); os.symlink("self", "self")
for _ in range(1500):
    os.mkdir("d"); os.chdir("d")
"""
    assert box.python(code)[0].exit_code == 0
    changes = {one.path: one for one in box.sandboxes.changes(box.handle, MB).files}
    assert changes["sparse"].content is None
    assert changes["pipe"].special
    assert {"\\udcff\\x1b[31m", "\\xff\x1b[31m"}.isdisjoint(changes)
    box.put({"a.txt": "a"}, clean=True)
    assert box.run("ls -A")[1] == "a.txt\n"


def test_results_are_a_claim_but_not_how_it_ended(box: Runner) -> None:
    """A box cannot write to the channel reporting its exit."""
    code = """
import os
for fd in range(3, 64):
    try: os.write(fd, b'{ "exit-code": 0 }\\\\n')
    except OSError: pass
os._exit(7)
"""
    assert box.python(code)[0].exit_code == 7


def test_a_limit_above_the_machines_own_is_lowered(box: Runner) -> None:
    status, _ = box.python("x = bytearray(1400 * 2**20)", limits={"memory_mb": 10**6})
    assert status.detail == "It used more than 1024 MB of memory."
    assert CommandLimits().memory_mb > 1024
