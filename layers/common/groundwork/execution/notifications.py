"""Outbox of a committed change: messages to the state machine and the rollback function."""

from dataclasses import dataclass

from groundwork.execution.state import ExecutionState
from groundwork.execution.task_step import Step, step_of_task
from groundwork.plans.model import PlanStatus


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Answer to a waiting gate. `step` None ends the execution behind the gate."""

    token: str
    step: Step | None


@dataclass(frozen=True, slots=True)
class Notifications:
    """Messages to send after a commit, in the order of the fields.

    `superseded` are answers to gates of earlier executions. `start` must wait until all of them are sent: a new
    execution registers its own tokens, and those replace the old ones.
    """

    superseded: tuple[GateAnswer, ...] = ()
    start: bool = False
    rollback: bool = False
    gates: tuple[GateAnswer, ...] = ()


def notifications_between(before: ExecutionState, after: ExecutionState) -> Notifications:
    starts = after.execution.number > before.execution.number
    # identity suffices: states are immutable, and an unchanged one is passed on as it is
    changed = (id_ for id_, state in after.states.items() if state is not before.states.get(id_))
    answers = (gate_answer(after, id_) for id_ in changed)
    return Notifications(
        superseded=superseded_gates(after) if starts else (),
        start=starts,
        rollback=after.execution.rolling_back and not before.execution.rolling_back,
        gates=tuple(answer for answer in answers if answer),
    )


def superseded_gates(execution_state: ExecutionState) -> tuple[GateAnswer, ...]:
    """Answers to end earlier executions at their gates."""
    stale = (id_ for id_ in execution_state.states if _is_superseded(execution_state, id_))
    answers = (gate_answer(execution_state, id_) for id_ in stale)
    return tuple(answer for answer in answers if answer)


def gate_answer(execution_state: ExecutionState, task_id: str) -> GateAnswer | None:
    """Answer for the gate of a task. None if no gate waits, or if it must wait on."""
    token = execution_state.of(task_id).gate_token
    if token is None:
        return None
    stopped = execution_state.status in (PlanStatus.CANCELLED, PlanStatus.FAILED)
    # gates fail instead of a stop of the execution: the local interpreter cannot stop one waiting for a token
    if stopped or _is_superseded(execution_state, task_id):
        return GateAnswer(token, None)
    step = step_of_task(execution_state, task_id)
    return None if step is Step.GATE else GateAnswer(token, step)


def is_last_answer(execution_state: ExecutionState, task_id: str) -> bool:
    """True if the task never reaches this gate again, so its token can be cleared."""
    return _is_superseded(execution_state, task_id) or step_of_task(execution_state, task_id) is Step.DONE


def _is_superseded(execution_state: ExecutionState, task_id: str) -> bool:
    return execution_state.of(task_id).gate_execution != execution_state.execution.number
