"""Kept set-ups: a check that restores one starts in seconds."""

from typing import Protocol

from groundwork.errors import Transient
from groundwork.sandbox.errors import SetupNotKept, TreeRefused
from groundwork.sandbox.model import Handle
from groundwork.sandbox.port import Sandboxes

MAX_SETUP_BYTES = 1024 * 1024 * 1024


class SetupStore(Protocol):
    """Store of kept set-ups. Each URL works once, for some minutes."""

    def read_url(self, key: str) -> str | None:
        """Return a URL to read the archive from, or None if there is none under this key."""

    def write_url(self, key: str) -> str:
        """Return a URL to write the archive to. It replaces an older one."""


def restore(sandboxes: Sandboxes, store: SetupStore, handle: Handle, key: str) -> bool:
    """Restore a set-up before the first `put`. Return False if set-up must run instead.

    Raises TreeRefused if a part of it may be in the sandbox: set-up must run in another one.
    """
    try:
        url = store.read_url(key)
        return url is not None and sandboxes.restore_setup(handle, url, MAX_SETUP_BYTES) > 0
    # a kept set-up only saves time: without one, set-up runs as usual
    except (SetupNotKept, Transient):
        return False


def keep(sandboxes: Sandboxes, store: SetupStore, handle: Handle, key: str, *, on_default_head: bool) -> bool:
    """Keep the products of set-up, after it has run and before the first check.

    Only on the default branch's head: a task's set-up runs unreviewed code, and later checks would use its products.
    """
    if not on_default_head:
        return False
    try:
        return sandboxes.save_setup(handle, store.write_url(key), MAX_SETUP_BYTES) > 0
    # a full disk is told as a refusal, and harms nothing here
    except (SetupNotKept, TreeRefused, Transient):
        return False
