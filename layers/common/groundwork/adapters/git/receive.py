"""Add a server's pack to a store, after all of it has arrived and was measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from groundwork.adapters.git.pack_limits import PackTooLarge, check_inflated
from groundwork.adapters.git.transport import Unusable


@contextmanager
def receive_pack(store: Any, max_bytes: int, max_object_bytes: int | None = None) -> Iterator[Callable[[bytes], int]]:
    """Yield the function to write a pack with. Raises Unusable if it is too large unpacked."""
    pack, commit, abort = store.add_pack()
    try:
        yield pack.write
        if size := pack.tell():
            check_inflated(pack, max_bytes, max_object_bytes)
            # dulwich takes the position as the size of the pack, and the check has moved it
            pack.seek(size)
    except PackTooLarge:
        abort()
        raise Unusable(f"what it sends is larger than {max_bytes // 2**20} MB unpacked") from None
    except BaseException:
        abort()
        raise
    commit()
