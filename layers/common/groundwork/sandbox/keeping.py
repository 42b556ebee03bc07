"""Kept set-ups: with one, a second check starts in seconds."""

from typing import Protocol

from groundwork.errors import Transient
from groundwork.sandbox.errors import SetupNotKept
from groundwork.sandbox.model import Handle
from groundwork.sandbox.port import Sandboxes

MAX_SETUP_BYTES = 1024 * 1024 * 1024


class SetupStore(Protocol):
    """Where they lie. URLs are for one use, within minutes."""

    def read_url(self, key: str) -> str | None:
        """None where nothing is kept under this key."""

    def write_url(self, key: str) -> str:
        """A URL to write to; the new archive replaces an old one."""


def restore(sandboxes: Sandboxes, store: SetupStore, handle: Handle, key: str) -> bool:
    """Restore a set-up before the first tree is put; False where set-up has to run."""
    try:
        url = store.read_url(key)
        return url is not None and sandboxes.restore_setup(handle, url, MAX_SETUP_BYTES) > 0
    # a kept set-up only saves time: without one, set-up runs as usual
    except (SetupNotKept, Transient):
        return False


def keep(sandboxes: Sandboxes, store: SetupStore, handle: Handle, key: str, *, on_default_head: bool) -> bool:
    """Keep a set-up, after it has run and before the first check, on the default branch's head.

    A task's set-up runs unreviewed code, and its products would be in every later check.
    """
    if not on_default_head:
        return False
    try:
        return sandboxes.save_setup(handle, store.write_url(key), MAX_SETUP_BYTES) > 0
    except (SetupNotKept, Transient):
        return False
