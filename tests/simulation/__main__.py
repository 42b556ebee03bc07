"""Run simulations: `python -m tests.simulation`.

It runs many seeds, one seed with its trace, or the mutants, or writes the records of a release.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.execution.mutant import ExecutionMutant
from tests.simulation.execution.mutants import EXECUTION_MUTANTS
from tests.simulation.execution.simulation import simulate_execution
from tests.simulation.mutant import SEEDS, Mutant
from tests.simulation.mutant_seeds import keep, keep_caught
from tests.simulation.mutants import MUTANTS
from tests.simulation.plans import PlanSimulation
from tests.simulation.records import record
from tests.simulation.sandboxes.mutants import MUTANTS as SANDBOX_MUTANTS
from tests.simulation.sandboxes.mutants import SandboxMutant
from tests.simulation.sandboxes.simulation import simulate_sandboxes
from tests.simulation.simulation import Report, simulate

type Simulated = Callable[[int], Report]


def main() -> int:
    """Return 0 if every invariant held and every mutant was caught."""
    arguments = _arguments()
    if arguments.record:
        print("\n".join(str(path) for path in record(arguments.record)))
        return 0
    simulated = _simulated(arguments)
    if arguments.seed is not None:
        return replay(arguments.seed, simulated)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        if arguments.mutants is not None:
            named = [name for name in _mutants(arguments) if not arguments.mutants or name in arguments.mutants]
            kind = _kind(arguments)
            return hunt(named, pool.map(partial(_caught, kind), named), kind if arguments.keep else "")
        seeds = range(arguments.start, arguments.start + arguments.seeds)
        return run_all(seeds, pool.map(partial(_without_trace, simulated), seeds, chunksize=20))


def replay(seed: int, simulated: Simulated = simulate) -> int:
    """Print all events of one simulation."""
    report = simulated(seed)
    print("\n".join(report.trace))
    print(f"{report}\nfingerprint {report.fingerprint}")
    return 1 if report.broken else 0


def run_all(seeds: range, reports: Iterable[Report]) -> int:
    began, broken, statuses = time.monotonic(), 0, Counter[str]()
    totals = Counter[str]()
    for report in reports:
        statuses.update(status.value for status in report.ended.values())
        totals.update(hops=report.hops, items=report.items, virtual_hours=round(report.seconds))
        if report.broken:
            broken += 1
            print(f"{report}\n  replay: python -m tests.simulation --seed {report.seed}", flush=True)
    runs = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    print(f"{len(seeds)} seeds from {seeds.start}: {broken} violate an invariant. Runs: {runs}.")
    hours = totals["virtual_hours"] / 3600
    print(f"{totals['items']:,} items in {totals['hops']:,} hops, {hours:,.0f} h in {time.monotonic() - began:.0f} s.")
    return 1 if broken else 0


def hunt(names: Sequence[str], caught: Iterable[Report | None], keep_as: str = "") -> int:
    """Print the first seed to catch each mutant.

    With `keep_as`, the seed is recorded under this kind.
    """
    missed = 0
    for name, report in zip(names, caught, strict=True):
        missed += report is None
        found = f"seed {report.seed}: {report.broken}" if report else "NOT CAUGHT"
        print(f"{name:36} {found}", flush=True)
        if keep_as and report:
            keep({name: report.seed})
            keep_caught(keep_as, name, report.seed, report.broken)
    print(f"{len(names) - missed} of {len(names)} mutants are caught within {SEEDS} seeds.")
    return 1 if missed or not names else 0


MUTANTS_OF: dict[str, Sequence[Mutant | ExecutionMutant | SandboxMutant]] = {
    "runs": MUTANTS,
    "executions": EXECUTION_MUTANTS,
    "sandboxes": SANDBOX_MUTANTS,
}


def _kind(arguments: argparse.Namespace) -> str:
    return "sandboxes" if arguments.sandboxes else "executions" if arguments.executions else "runs"


def _mutants(arguments: argparse.Namespace) -> list[str]:
    return [mutant.name for mutant in MUTANTS_OF[_kind(arguments)]]


def _caught(kind: str, name: str) -> Report | None:
    """Search by name: a mutant itself cannot be sent to another process."""
    mutants = MUTANTS_OF[kind]
    (mutant,) = (mutant for mutant in mutants if mutant.name == name)
    return _light(mutant.caught(range(1, SEEDS + 1)))


def _simulated(arguments: argparse.Namespace) -> Simulated:
    if arguments.sandboxes:
        return simulate_sandboxes
    if arguments.executions:
        return simulate_execution
    return partial(simulate, kind=PlanSimulation) if arguments.plans else simulate


def _without_trace(simulated: Simulated, seed: int) -> Report:
    report = simulated(seed)
    report.trace.clear()
    return report


def _light(report: Report | None) -> Report | None:
    if report:
        report.trace.clear()
    return report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many")
    parser.add_argument("--start", type=int, default=1, help="the first")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--seed", type=int, help="this one alone, with its trace")
    parser.add_argument("--plans", action="store_true", help="runs about plans, in place of those about a backlog")
    parser.add_argument("--executions", action="store_true", help="plans that are carried out")
    parser.add_argument("--sandboxes", action="store_true", help="sandboxes of attempts and landings")
    parser.add_argument("--mutants", nargs="*", metavar="NAME", help="look for the bugs that are put in on purpose")
    parser.add_argument("--keep", action="store_true", help="with --mutants: keep the seeds found")
    parser.add_argument("--record", metavar="VERSION", help="keep what this release leaves in the tables")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
