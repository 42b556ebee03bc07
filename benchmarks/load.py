"""Load over persistent connections: `python -m benchmarks.load URL AT_ONCE SECONDS`."""

import http.client
import json
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlsplit


def main() -> None:
    url, at_once, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    print(json.dumps(load(url, at_once, seconds)))


def load(url: str, at_once: int, seconds: float) -> dict[str, float | dict[str, int]]:
    """Ask for a URL from `at_once` threads; return requests a second, and the answers by status."""
    answers: Counter[str] = Counter()
    lock = threading.Lock()
    begun = time.monotonic()

    def ask() -> None:
        mine = _asked(url, begun + seconds)
        with lock:
            answers.update(mine)

    threads = [threading.Thread(target=ask) for _ in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - begun
    return {"perSecond": answers["200"] / took, "seconds": took, "answers": dict(answers)}


def _asked(url: str, ends: float) -> Counter[str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    found: Counter[str] = Counter()
    while time.monotonic() < ends:
        try:
            connection.request("GET", parts.path, headers={"Authorization": "Bearer local-admin-token"})
            answer = connection.getresponse()
            answer.read()
            found[str(answer.status)] += 1
        except (OSError, http.client.HTTPException) as exc:
            found[type(exc).__name__] += 1
            connection.close()
    return found


if __name__ == "__main__":
    main()
