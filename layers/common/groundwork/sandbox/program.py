"""The agent as one file: a zip archive that Python can run."""

import io
import zipfile
from functools import cache
from pathlib import Path

_START = "import sys\n\nfrom agent.main import main\n\nmain(sys.argv[1:])\n"
# a zip entry without a date of its own would get the time of packing
_LONG_AGO = (2020, 1, 1, 0, 0, 0)


@cache
def agent_program() -> bytes:
    """Return the archive. The same sources give the same bytes on every machine."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        _add(archive, "__main__.py", _START)
        for source in sorted((Path(__file__).parent / "agent").glob("*.py")):
            _add(archive, f"agent/{source.name}", source.read_text())
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), text)
