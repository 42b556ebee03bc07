"""Committed files name no host of a package registry and no path of a machine."""

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from checks.sam import ROOT

# in pieces, or the check would find this file
HOSTS = ("pypi" + r"\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "npm" + r"js\.org", "deb" + r"\.debian")
PLACES = ("/" + r"work/(?:main|shared|\.)", "/" + "root/", "/" + r"home/(?!box\b)[a-z]", "/" + "Users/[a-zA-Z]")
PATTERN = re.compile("|".join((*HOSTS, *PLACES)))


def traces(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield line numbers from 1, with the text found."""
    for number, line in enumerate(lines, start=1):
        if found := PATTERN.search(line):
            yield number, found.group()


def committed(root: Path = ROOT) -> list[Path]:
    """List files tracked by git, or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603
    return [path for name in listing.split("\0") if name and (path := root / name).is_file()]


def main() -> int:
    """Return 1 if any file has one."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {text}"
        for path in committed()
        for number, text in traces(path.read_text(errors="replace").splitlines())
    ]
    print("\n".join(found) or "Traces: no host of a registry, no path of a machine")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
