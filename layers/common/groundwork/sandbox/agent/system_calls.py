"""Deny system calls to a box with a seccomp program."""

import struct

# fmt: off
_SYSCALLS: dict[str, dict[str, int]] = {
    "x86_64": {
        "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425,
        "io_uring_enter": 426, "io_uring_register": 427, "unshare": 272, "setns": 308, "ptrace": 101,
        "perf_event_open": 298, "mount": 165, "umount2": 166, "pivot_root": 155, "kexec_load": 246,
        "open_by_handle_at": 304, "process_vm_readv": 310, "process_vm_writev": 311, "fsopen": 430, "move_mount": 429,
        "memfd_create": 319, "memfd_secret": 447, "clone3": 435, "clone": 56, "socket": 41, "shmget": 29,
    },
    "aarch64": {
        "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "userfaultfd": 282, "io_uring_setup": 425,
        "io_uring_enter": 426, "io_uring_register": 427, "unshare": 97, "setns": 268, "ptrace": 117,
        "perf_event_open": 241, "mount": 40, "umount2": 39, "pivot_root": 41, "kexec_load": 104,
        "open_by_handle_at": 265, "process_vm_readv": 270, "process_vm_writev": 271, "fsopen": 430, "move_mount": 429,
        "memfd_create": 279, "memfd_secret": 447, "clone3": 435, "clone": 220, "socket": 198, "shmget": 194,
    },
}
# fmt: on
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _ENOMEM, _ENOSYS, _EAFNOSUPPORT = 1, 12, 38, 97
# all CLONE_NEW flags
_NEW_NAMESPACES = 0x7E020000
# small segments stay allowed: PostgreSQL does not start without one
_MAX_SHARED_SEGMENT = 64 * 1024


def system_call_filter(machine: str) -> bytes | None:
    """Return the seccomp program of a box; None for an unknown processor.

    Memory outside processes (memfd, large System V segments) is denied: the memory check cannot see it.
    """
    numbers = _SYSCALLS.get(machine)
    if numbers is None:
        return None
    special = {"memfd_create", "memfd_secret", "clone3", "clone", "socket", "shmget"}
    # the numbers differ by architecture: a 32-bit call would slip through
    program = [_load(4), _jump(0x15, _AUDIT_ARCH[machine], 1, 0), _ret(_ENOSYS), _load(0)]
    if machine == "x86_64":
        # x32 calls have this bit, and other numbers for the same effects
        program += [_jump(0x35, 0x40000000, 0, 1), _ret(_ENOSYS)]
    for name, number in numbers.items():
        if name not in special:
            program += [_jump(0x15, number, 0, 1), _ret(_EPERM)]
    # clone3 has its flags in memory, out of the filter's reach; after ENOSYS libc falls back to clone
    for name in ("memfd_create", "memfd_secret", "clone3"):
        program += [_jump(0x15, numbers[name], 0, 1), _ret(_ENOSYS)]
    program += _when(numbers["clone"], [_load(16), _jump(0x45, _NEW_NAMESPACES, 0, 1), _ret(_EPERM)])
    program += _when(numbers["socket"], _socket_rule())
    program += _when(
        numbers["shmget"],
        # the size has 64 bits, but a filter loads 32: the upper half first
        [_load(28), _jump(0x15, 0, 0, 2), _load(24), _jump(0x25, _MAX_SHARED_SEGMENT, 0, 1), _ret(_ENOMEM)],
    )
    return b"".join([*program, struct.pack("<HBBI", 0x06, 0, 0, _ALLOW)])


def _socket_rule() -> list[bytes]:
    """Allow Unix, IPv4 and IPv6 sockets, and route netlink: Node lists interfaces with it."""
    return [
        _load(16),
        _jump(0x15, 1, 6, 0),
        _jump(0x15, 2, 5, 0),
        _jump(0x15, 10, 4, 0),
        _jump(0x15, 16, 0, 2),
        _load(32),
        _jump(0x15, 0, 1, 0),
        _ret(_EAFNOSUPPORT),
    ]


def _when(number: int, body: list[bytes]) -> list[bytes]:
    allow = struct.pack("<HBBI", 0x06, 0, 0, _ALLOW)
    return [_jump(0x15, number, 0, len(body) + 1), *body, allow]


def _load(offset: int) -> bytes:
    return struct.pack("<HBBI", 0x20, 0, 0, offset)


def _jump(code: int, value: int, yes: int, no: int) -> bytes:
    return struct.pack("<HBBI", code, yes, no, value)


def _ret(errno: int) -> bytes:
    return struct.pack("<HBBI", 0x06, 0, 0, _ERRNO | errno)
