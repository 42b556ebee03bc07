"""Add a server's pack to a store, after all of it has arrived and was measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from groundwork.adapters.git.pack_limits import TooLargeInside, check_inflated
from groundwork.adapters.git.transport import Unusable


@contextmanager
def received(store: Any, most_bytes: int, most_of_one: int | None = None) -> Iterator[Callable[[bytes], int]]:
    """Yield the function to write a pack with. Raises Unusable if it is too large unpacked."""
    pack, commit, abort = store.add_pack()
    try:
        yield pack.write
        if size := pack.tell():
            check_inflated(pack, most_bytes, most_of_one)
            pack.seek(size)
    except TooLargeInside:
        abort()
        raise Unusable(f"what it sends is larger than {most_bytes // 2**20} MB unpacked") from None
    except BaseException:
        abort()
        raise
    commit()
