"""Memory of every process of the local system: `python -m benchmarks.memory`.

For each number of cards: import them, start to analyze them, cancel half-way, then poll the run as often as a dashboard
does in a day. Prints a row after each step, and writes benchmarks/results/memory.json.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.local_system import started

RESULTS = Path(__file__).parent / "results" / "memory.json"
CARDS_A_CALL = 500
POLLS_A_DAY = 43_200
"""One poll every two seconds."""

AT_ONCE = 8
STEPS = 4
"""Rows of a day: a leak shows as a rise from row to row."""

HEADS = ("cards", "step", "seconds", "system", "engine", "guard", "functions", "largest", "processes", "file")
type Row = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--cards", type=int, nargs="*", default=[0, 10_000, 100_000])
    parser.add_argument("--polls", type=int, default=POLLS_A_DAY, help="in a day of polling")
    asked = parser.parse_args()
    rows: list[Row] = []
    print("proportional set size in MB\n" + "  ".join(f"{head:>9}" for head in HEADS), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Path(folder) / "data", asked.cards, asked.polls):
            rows.append(row)
            print("  ".join(f"{row[head]:>9}" for head in HEADS), flush=True)
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(rows, indent=1))
    return 0


def measure(data: Path, cards: list[int], polls: int) -> Iterator[Row]:
    with started(data) as (process, url, _):
        client = httpx.Client(base_url=url, headers={"Authorization": "Bearer local-admin-token"}, timeout=120)
        for count in sorted(cards):
            began = time.monotonic()

            def row(step: str, count: int = count, began: float = began) -> Row:
                seconds = round(time.monotonic() - began)
                return {"cards": count, "step": step, "seconds": seconds, **resident(process), **_file(data)}

            project = client.post("/api/projects", json={"name": "Measured"}).raise_for_status().json()["id"]
            _import(client, project, count)
            yield row("imported")
            if count:
                path = f"/api/runs/{_cancelled_half_way(client, project)}/progress"
                yield row("cancelled")
            else:
                path = f"/api/projects/{project}"
            for step in range(STEPS):
                _poll(url + path, polls // STEPS)
                yield row(f"{(step + 1) * 24 // STEPS} h")
        client.close()


def resident(process: "subprocess.Popen[str]") -> dict[str, int]:
    """Measure MB of the system, the engine, its guard, and the functions with their fork server."""
    own = psutil.Process(process.pid)
    sizes: dict[str, list[int]] = {"engine": [], "guard": [], "functions": []}
    for child in own.children(recursive=True):
        command = child.cmdline()
        kind = "guard" if any("guard.py" in word for word in command) else "functions"
        sizes["engine" if "java" in child.name() else kind].append(_megabytes(child))
    return {
        "system": _megabytes(own),
        **{kind: sum(found) for kind, found in sizes.items()},
        "largest": max(sizes["functions"], default=0),
        "processes": len(sizes["functions"]),
    }


def _megabytes(process: psutil.Process) -> int:
    """Return the resident memory; of a page shared by n processes, the nth part."""
    memory = process.memory_full_info()
    # Only Linux knows the parts.
    size: int = getattr(memory, "pss", memory.rss)
    return size >> 20


def _file(data: Path) -> dict[str, int]:
    return {"file": sum(file.stat().st_size for file in (data / "dynamodb").glob("*.db")) >> 20}


def _import(client: httpx.Client, project: str, count: int) -> None:
    for start in range(0, count, CARDS_A_CALL):
        numbers = range(start, min(count, start + CARDS_A_CALL))
        cards = [{"text": f"Card {n}: the export is slow and finds nothing", "externalId": str(n)} for n in numbers]
        # A busy machine may exceed the time limit; cards of the first try then count as duplicates.
        while client.post(f"/api/projects/{project}/cards", json={"cards": cards}).status_code == 504:
            pass


def _cancelled_half_way(client: httpx.Client, project: str) -> str:
    """Start to analyze the cards and cancel after half of them; return the run's id."""
    body = {"type": "ANALYZE_CARDS", "options": {"pacing": "fast"}}
    run: str = client.post(f"/api/projects/{project}/runs", json=body).raise_for_status().json()["runId"]
    while (progress := _progress(client, run))["completedItems"] < progress["totalItems"] / 2:
        time.sleep(1)
    answer = client.post(f"/api/runs/{run}/cancel")
    # A small run may have ended meanwhile.
    assert answer.status_code in (200, 409), answer.text
    while _progress(client, run)["status"] == "RUNNING":
        time.sleep(1)
    return run


def _progress(client: httpx.Client, run: str) -> Row:
    found: Row = client.get(f"/api/runs/{run}/progress").raise_for_status().json()
    return found


def _poll(url: str, count: int) -> None:
    """Poll so often, over connections kept alive. Raises AssertionError for any answer but 200."""
    parts = urlsplit(url)

    def some(polls: int) -> None:
        connection = http.client.HTTPConnection(parts.netloc, timeout=120)
        for _ in range(polls):
            connection.request("GET", parts.path, headers={"Authorization": "Bearer local-admin-token"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
        connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(some, [count // AT_ONCE] * AT_ONCE))


if __name__ == "__main__":
    sys.exit(main())
