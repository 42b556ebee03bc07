"""Blocks of seeds: the first for every change, all of them before a change lands."""

from collections.abc import Iterable
from typing import Any

import pytest


def in_blocks(firsts: Iterable[int]) -> list[Any]:
    """Return the first seed of each block, as parameters of a test."""
    first, *others = firsts
    return [first, *(pytest.param(other, marks=pytest.mark.full) for other in others)]
