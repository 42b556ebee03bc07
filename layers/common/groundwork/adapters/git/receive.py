"""What a server sends, put into a store once all of it has come and has been measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from groundwork.adapters.git.pack_limits import TooLargeInside, check_inflated
from groundwork.adapters.git.transport import Unusable


@contextmanager
def received(store: Any, most_bytes: int, most_of_one: int | None = None) -> Iterator[Callable[[bytes], int]]:
    """Where a pack is written to. Raises Unusable where it is larger than so many bytes when it is unpacked."""
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
