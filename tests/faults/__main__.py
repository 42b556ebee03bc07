"""`python -m tests.faults --seeds N --minutes M`: run seeds in turn and print a table."""

import argparse
import os
import sys
import time
from collections import Counter
from contextlib import nullcontext
from functools import partial
from typing import Any

from tests.dynamodb_local import fetched, running
from tests.faults.invariants import NAMES
from tests.faults.kills import killed
from tests.faults.scenario import Outcome, fault_run


def main() -> int:
    """0 if every invariant held in every run, else 1."""
    asked = _arguments()
    if asked.kills:
        return _kill(asked.kills, asked.first, asked.minutes)
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    ends = time.monotonic() + asked.minutes * 60
    outcomes: list[Outcome] = []
    engine: Any = running(fetched()) if asked.dynamodb_local else nullcontext(None)
    with engine as url:
        for seed in range(asked.first, asked.first + asked.seeds):
            if outcomes and time.monotonic() > ends:
                print(f"{asked.minutes:g} minutes are over after {len(outcomes)} of {asked.seeds} seeds.")
                break
            outcomes.append(fault_run(seed, faults_s=asked.faults, dynamodb=url))
            _print_line(outcomes[-1])
    _print_table(outcomes)
    return 1 if any(outcome.violations for outcome in outcomes) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--kills", type=int, default=0, help="kill processes of the local system so often instead")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--minutes", type=float, default=30.0, help="no further seed begins after so long")
    parser.add_argument("--faults", type=float, default=6.0, help="seconds that faults last in each phase")
    parser.add_argument("--dynamodb-local", action="store_true", help="the tables on DynamoDB Local, not on moto")
    return parser.parse_args()


def _kill(kills: int, seed: int, minutes: float) -> int:
    outcome = killed(kills, seed, time.monotonic() + minutes * 60, say=partial(print, flush=True))
    print(f"{outcome.total} kills: " + ", ".join(f"{count} of {name}" for name, count in sorted(outcome.kills.items())))
    print(f"{outcome.answers} answers, {outcome.projects} projects, {outcome.plans} plans, {outcome.checks} checks")
    print(f"{outcome.lost_in_last_moments} answers of an engine's last moments were gone")
    for violation in outcome.violations:
        print(f"    {violation}")
    print(f"{len(outcome.violations)} VIOLATIONS" if outcome.violations else "every answer and every invariant held")
    return 1 if outcome.violations else 0


def _print_line(outcome: Outcome) -> None:
    held = "all invariants held" if not outcome.violations else f"{len(outcome.violations)} VIOLATIONS"
    items = ", ".join(f"{count} {name}" for name, count in outcome.items.items())
    bill = "bill to the token" if outcome.certain else "bill as a bound"
    print(
        f"seed {outcome.seed} on {outcome.engine}: {len(outcome.runs)} runs, {items}; "
        f"{sum(outcome.injected.values())} faults, {outcome.moments} looks, {bill}, {outcome.seconds:.0f} s: {held}",
        flush=True,
    )
    for violation in outcome.violations[:10]:
        print(f"    {violation}", flush=True)


def _print_table(outcomes: list[Outcome]) -> None:
    injected, items = Counter[str](), Counter[str]()
    broken = Counter(name for outcome in outcomes for name in {v.invariant for v in outcome.violations})
    for outcome in outcomes:
        injected.update(outcome.injected)
        items.update(outcome.items)
    ended = Counter(what.rpartition(" ")[2] for outcome in outcomes for what in outcome.runs.values())
    for title, counted in (("faults injected", injected), ("runs ended", ended), ("items ended", items)):
        print(f"\n{title:<48}{sum(counted.values()):>7}")
        for name, count in sorted(counted.items()):
            print(f"  {name:<46}{count:>7}")
    print(f"\n{'invariants':<48}{'held in':>10}")
    for name in NAMES:
        print(f"  {name:<46}{len(outcomes) - broken[name]:>5} of {len(outcomes)}")


if __name__ == "__main__":
    sys.exit(main())
