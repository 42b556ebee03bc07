"""The local system beside a bare server on the same engine.

`python -m benchmarks.local_system`.

Polls a second of a run's progress at 1, 30 and 200 at once, and the time to the first answer. Written to
benchmarks/results/local_system.json. For the memory: `python -m benchmarks.memory`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from local.engine.dynamodb import url_of

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "local_system.json"
AT_ONCE = (1, 30, 200)
CARDS_A_CALL = 2_000
Json = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.local_system", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), asked.seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1))
    print(table(found))
    return 0


def measure(folder: Path, seconds: float) -> Json:
    with started(folder) as (process, url, first_answer_s):
        http = httpx.Client(base_url=url, headers={"Authorization": "Bearer local-admin-token"}, timeout=120)
        run = a_run(http, 20)
        key = (folder / "access-key").read_text()
        polls = {}
        with bare(engine_url(process), key, run) as floor:
            poll = f"{url}/api/runs/{run}/progress"
            # Both warm: the engine compiles its code, and the system starts its processes.
            for target in (poll, floor):
                load(target, max(AT_ONCE) // 4, 1)
            for at_once in AT_ONCE:
                # Alternating, twice: neither gets the quieter machine.
                pairs = [(load(poll, at_once, seconds), load(floor, at_once, seconds)) for _ in range(2)]
                polls[at_once] = _summary(pairs)
    return {"firstAnswerS": round(first_answer_s, 1), "polls": polls}


@contextmanager
def started(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str, float]]:
    """The local system as `make start` starts it, with how long its first answer took."""
    env = {**os.environ, "DATA": str(folder), "GROUNDWORK_AI": "mock", "GROUNDWORK_MOCK_LATENCY_MS": "0"}
    begun = time.monotonic()
    command = [sys.executable, "-m", "local", "--port", "0"]
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        url = next(line.split()[3] for line in process.stdout if "listens on" in line)
        headers = {"Authorization": "Bearer local-admin-token"}
        httpx.get(f"{url}/api/projects", headers=headers, timeout=120).raise_for_status()
        yield process, url, time.monotonic() - begun
    finally:
        process.terminate()
        process.wait(60)
        (folder.parent / f"{folder.name}.log").unlink()


@contextmanager
def bare(endpoint: str, access_key: str, run: str) -> Iterator[str]:
    project, _, number = run.rpartition("-R")
    arguments = [endpoint, access_key, "RunsTable", project, f"R#{int(number):06d}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare_server", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def load(url: str, at_once: int, seconds: float) -> Json:
    """Run the load in a process of its own: a shared interpreter would distort the figures."""
    command = [sys.executable, "-m", "benchmarks.load", url, str(at_once), str(seconds)]
    found: Json = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout)
    return found


def a_run(http: httpx.Client, cards: int) -> str:
    """A project with so many cards, all of them analysed; the run's id."""
    project = http.post("/api/projects", json={"name": "Measured"}).raise_for_status().json()["id"]
    for start in range(0, cards, CARDS_A_CALL):
        texts = [{"text": f"Card {n}: the export is slow"} for n in range(start, min(cards, start + CARDS_A_CALL))]
        http.post(f"/api/projects/{project}/cards", json={"cards": texts}).raise_for_status()
    options = {"type": "ANALYZE_CARDS", "options": {"pacing": "fast"}}
    run: str = http.post(f"/api/projects/{project}/runs", json=options).raise_for_status().json()["runId"]
    while (progress := http.get(f"/api/runs/{run}/progress").raise_for_status().json())["status"] in (
        "QUEUED",
        "RUNNING",
    ):
        time.sleep(min(5.0, progress["pollAfterMs"] / 1000))
    return run


def engine_url(process: "subprocess.Popen[str]") -> str:
    (java,) = [one for one in psutil.Process(process.pid).children(recursive=True) if "java" in one.name()]
    return url_of(java.cmdline())


def _summary(rounds: list[tuple[Json, Json]]) -> Json:
    system, floor = ([one[side] for one in rounds] for side in (0, 1))
    ours, bare_ = (sum(one["perSecond"] for one in side) / len(side) for side in (system, floor))
    errors: Counter[str] = Counter()
    for one in system:
        errors.update({status: count for status, count in one["answers"].items() if status != "200"})
    figures = {"perSecond": round(ours), "barePerSecond": round(bare_), "ratio": round(ours / bare_, 2)}
    return {**figures, "errors": dict(errors)}


def table(found: Json) -> str:
    lines = [f"first answer after {found['firstAnswerS']} s", "at once  a second  bare  ratio  errors"]
    for at_once, one in found["polls"].items():
        row = (one["perSecond"], one["barePerSecond"], one["ratio"], str(one["errors"] or "none"))
        lines.append(f"{at_once:>7}  {row[0]:>8}  {row[1]:>4}  {row[2]:>5}  {row[3]:>6}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
