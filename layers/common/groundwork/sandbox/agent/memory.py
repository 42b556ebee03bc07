"""Measure the memory of a box's processes from outside the box."""

import contextlib
import os
from collections.abc import Sequence


def descendants(pid: int) -> list[int]:
    """Return `pid` and all its descendants."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                # the name in brackets may hold spaces and brackets of its own
                parent = int(file.read().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found, todo = [], [pid]
    while todo:
        found.append(one := todo.pop())
        todo += children.get(one, ())
    return found


def memory_of(pids: Sequence[int], limit_mb: int) -> tuple[int, int]:
    """Return used MB and number of processes.

    Each process counts its shared pages in full. Only near the limit they are counted once, as that is slow.
    """
    page, total = os.sysconf("SC_PAGE_SIZE"), 0
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm", "rb") as file:
            total += int(file.read().split()[1]) * page
    if total > limit_mb * 2**20:
        # smaps_rollup may be unreadable: then the coarse sum decides
        exact = [_proportional(pid) for pid in pids]
        total = sum(kb for kb in exact if kb is not None) * 1024 if any(exact) else total
    return total // 2**20, len(pids)


def _proportional(pid: int) -> int | None:
    with contextlib.suppress(OSError, ValueError), open(f"/proc/{pid}/smaps_rollup") as file:
        found = {
            name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in file) if "Pss" in name
        }
        return found.get("Pss", 0) + found.get("SwapPss", 0)
    return None


def available_mb() -> int:
    with contextlib.suppress(OSError), open("/proc/meminfo") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    # without /proc no floor can be watched
    return 2**31
