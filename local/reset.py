"""`python -m local.reset`: delete the data in DATA; fails while a system uses it."""

import os
import sys

from local.data import DataRefused, data_path, erase


def main() -> int:
    try:
        path = data_path(os.environ)
        if path is None:
            print("Nothing to delete: DATA=memory stores nothing.")
            return 0
        erase(path)
    except DataRefused as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"Deleted the data in {path}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
