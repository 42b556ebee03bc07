"""`python -m local.reset`: forget all that the local system keeps in DATA; refused while one uses it."""

import os
import sys

from local.data import DataRefused, data_of, forget


def main() -> int:
    path = data_of(os.environ)
    if path is None:
        print("DATA=memory keeps nothing.")
        return 0
    try:
        forget(path)
    except DataRefused as exc:
        print(exc, file=sys.stderr)
        return 1
    print(f"{path} is empty.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
