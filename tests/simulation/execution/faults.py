"""Faults of executions, besides the common ones; drawn from a seed as well."""

from dataclasses import dataclass
from random import Random

from tests.simulation.faults import WORST, Faults


@dataclass(frozen=True, slots=True)
class ExecutionFaults(Faults):
    """Probabilities per request, invocation or event."""

    # Step Functions' invocations of the function
    not_invoked: float = 0.0
    invoked_twice: float = 0.0
    result_lost: float = 0.0
    # an execution, per virtual minute of its life, in any state
    stopped: float = 0.0
    # the rule on executions' status, and Lambda's asynchronous events
    told_late: float = 0.0
    told_twice: float = 0.0
    # requests to Step Functions and to Lambda
    refused_by_aws: float = 0.0
    # git servers
    unreachable_git: float = 0.0
    push_answer_lost: float = 0.0
    # foreign commits, per virtual minute
    others_push: float = 0.0


OF_EXECUTIONS = {
    "not_invoked": 0.1,
    "invoked_twice": 0.1,
    "result_lost": 0.1,
    "stopped": 0.05,
    "told_late": 0.4,
    "told_twice": 0.4,
    "refused_by_aws": 0.2,
    "unreachable_git": 0.15,
    "push_answer_lost": 0.3,
    "others_push": 0.5,
}
_OF_RUNS_ALONE = ("dropped", "invoke_refused", "invoke_answer_lost", "malformed")


def drawn(random: Random) -> ExecutionFaults:
    """One seed in ten has no faults at all: any failure there is a plain bug."""
    if random.random() < 0.1:
        return ExecutionFaults()
    worst = {name: chance for name, chance in WORST.items() if name not in _OF_RUNS_ALONE} | OF_EXECUTIONS
    present = {name: random.random() < 0.4 for name in worst}
    rates = {name: random.random() * chance if present[name] else 0.0 for name, chance in worst.items()}
    return ExecutionFaults(**rates, skewed_clocks=random.random() < 0.5, until_s=random.uniform(60, 3_600))
