"""No committed file names a package registry's host or a place on the machine it was written on."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from checks.sam import ROOT

# in pieces, or this file would be the first it finds
HOSTS = ("pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "npm" + r"js\.org", "deb" + r"\.debian")
PLACES = ("/" + r"work/(?:main|shared|\.)", "/" + "root/", "/" + r"home/[a-z]", "/" + "Users/[a-zA-Z]")
PATTERN = re.compile("|".join((*HOSTS, *PLACES)))


def traces(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The lines that name one, with their numbers from 1."""
    for number, line in enumerate(lines, start=1):
        if found := PATTERN.search(line):
            yield number, found.group()


def committed(root: Path = ROOT) -> list[Path]:
    """The files that git has, or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return [path for name in listing.split("\0") if name and (path := root / name).is_file()]


def main() -> int:
    """1 if there is one."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {text}"
        for path in committed()
        for number, text in traces(path.read_text(errors="replace").splitlines())
    ]
    print("\n".join(found) or "Traces: no registry's host, no machine's path")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
