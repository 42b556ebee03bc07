"""The seed that has caught each mutant: it is simulated first, and the search through all seeds comes after it.

`python -m tests.simulation --mutants --keep` writes them anew, with `--executions` those of plans.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

FILE = Path(__file__).parent / "mutant_seeds.json"


def kept() -> dict[str, int]:
    """The seed by a mutant's name."""
    seeds: dict[str, int] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return seeds


def keep(found: Mapping[str, int]) -> None:
    seeds = dict(sorted((kept() | dict(found)).items()))
    FILE.write_text(json.dumps(seeds, indent=2, ensure_ascii=False) + "\n")


def first_of_all(name: str, seeds: range) -> Iterable[int]:
    """All seeds to look at, the kept one before the others."""
    seed = kept().get(name)
    return seeds if seed is None else chain([seed], (other for other in seeds if other != seed))
