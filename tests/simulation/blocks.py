"""Blocks of seeds: one for every change, half before a change lands, the rest by hand."""

from collections.abc import Sequence
from typing import Any

import pytest


def in_blocks(firsts: Sequence[int]) -> list[Any]:
    """Return the first seed of each block, as parameters of a test."""
    half = len(firsts) // 2
    return [
        firsts[0],
        *(pytest.param(first, marks=pytest.mark.full) for first in firsts[1:half]),
        *(pytest.param(first, marks=pytest.mark.long) for first in firsts[max(half, 1) :]),
    ]
