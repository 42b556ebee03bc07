"""python -m benchmarks.sandbox [SAMPLES]: a box beside a bare command, in one run.

Medians in milliseconds. Bare and boxed commands take turns, under the same load.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from groundwork.sandbox.model import Command, SandboxKey, SandboxSpec, Tree
from groundwork.sandbox.port import Sandboxes
from local.microvms.launcher import SandboxSettings
from tests.sandbox.conftest import StandIn

FILES, FILE_BYTES = 2_000, 10_000


@dataclass(frozen=True)
class Figures:
    """Milliseconds."""

    samples: int
    open_to_first_answer: float
    start_to_first_output: float
    true_bare: float
    true_boxed: float
    python_bare: float
    python_boxed: float
    put_2000_files_20_mb: float
    changes_2000_files: float
    suspend: float
    resume_and_answer: float


def figures(samples: int) -> Figures:
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as tree:
        stand_in = StandIn(SandboxSettings(disk_mb=512), Path(folder))
        try:
            if problem := stand_in.service.problem():
                raise SystemExit(problem)
            return _Bench(stand_in.sandboxes(), Path(tree), samples).figures()
        finally:
            stand_in.close()


class _Bench:
    def __init__(self, sandboxes: Sandboxes, tree: Path, samples: int) -> None:
        self._sandboxes, self._samples, self._count = sandboxes, samples, 0
        for number in range(FILES):
            (tree / f"{number}.txt").write_bytes(b"x" * FILE_BYTES)
        self._tree = Tree(tree)

    def figures(self) -> Figures:
        opened = self._median(self._open)
        self._handle = self._sandboxes.open(SandboxKey("bench"), SandboxSpec())
        put = self._median(lambda: self._sandboxes.put(self._handle, self._tree))
        true, python = ("true",), ("/usr/bin/python3", "-c", "pass")
        pairs = {argv: self._pair(argv) for argv in (true, python)}
        return Figures(
            samples=self._samples,
            open_to_first_answer=opened,
            start_to_first_output=self._median(self._first_output),
            true_bare=pairs[true][0],
            true_boxed=pairs[true][1],
            python_bare=pairs[python][0],
            python_boxed=pairs[python][1],
            put_2000_files_20_mb=put,
            changes_2000_files=self._median(lambda: self._sandboxes.changes(self._handle, 10**6)),
            suspend=self._median(self._suspend, lambda: self._boxed(true)),
            resume_and_answer=self._median(lambda: self._boxed(true), self._suspend),
        )

    def _open(self) -> None:
        self._count += 1
        handle = self._sandboxes.open(SandboxKey("opened", self._count), SandboxSpec())
        self._sandboxes.poll(handle, "none")
        self._sandboxes.close(handle)

    def _first_output(self) -> None:
        command = self._start(("/bin/sh", "-c", "echo first; sleep 0.05"))
        self._sandboxes.poll(self._handle, command, 0, 20)
        self._finish(command)

    def _suspend(self) -> None:
        self._sandboxes.suspend(self._handle)

    def _pair(self, argv: tuple[str, ...]) -> tuple[float, float]:
        bare, boxed = [], []
        for _ in range(self._samples):
            bare.append(_milliseconds(lambda: subprocess.run(argv, check=True)))
            boxed.append(_milliseconds(lambda: self._boxed(argv)))
        return round(statistics.median(bare), 1), round(statistics.median(boxed), 1)

    def _boxed(self, argv: tuple[str, ...]) -> None:
        self._finish(self._start(argv))

    def _start(self, argv: tuple[str, ...]) -> str:
        self._count += 1
        self._sandboxes.start(self._handle, f"c{self._count}", Command(argv))
        return f"c{self._count}"

    def _finish(self, command: str) -> None:
        while self._sandboxes.poll(self._handle, command, 2**62, 20).ending is None:
            pass

    def _median(self, act: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
        times = []
        for _ in range(self._samples):
            before()
            times.append(_milliseconds(act))
        return round(statistics.median(times), 1)


def _milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    print(json.dumps(asdict(figures(int(sys.argv[1]) if len(sys.argv) > 1 else 15)), indent=2))
