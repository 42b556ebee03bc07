"""Seeds and invariants of caught mutants.

A test simulates the recorded seed first and searches the others after it. The invariants appear in
docs/reference/mutants.md. `python -m tests.simulation --mutants --keep` rewrites both, with `--executions` for plans.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

FILE = Path(__file__).parent / "mutant_seeds.json"
CAUGHT = Path(__file__).parent / "mutants_caught.json"


def kept() -> dict[str, int]:
    """Return the recorded seed of each mutant, by its name."""
    seeds: dict[str, int] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return seeds


def keep(found: Mapping[str, int]) -> None:
    seeds = dict(sorted((kept() | dict(found)).items()))
    FILE.write_text(json.dumps(seeds, indent=2, ensure_ascii=False) + "\n")


def first_of_all(name: str, seeds: range) -> Iterable[int]:
    """Yield all seeds to search, the recorded one first."""
    seed = kept().get(name)
    return seeds if seed is None else chain([seed], (other for other in seeds if other != seed))


def caught_by(kind: str) -> dict[str, dict[str, int | str]]:
    """Return seed and invariant by a mutant's name; `kind` is "runs" or "executions"."""
    caught: dict[str, dict[str, int | str]] = json.loads(CAUGHT.read_text())[kind]
    return caught


def keep_caught(kind: str, name: str, seed: int, invariant: str) -> None:
    caught = json.loads(CAUGHT.read_text())
    caught[kind] = dict(sorted({**caught[kind], name: {"seed": seed, "caught_by": invariant}}.items()))
    CAUGHT.write_text(json.dumps(caught, indent=2, ensure_ascii=False) + "\n")
