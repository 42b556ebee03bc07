"""Checks in sandboxes: the port `groundwork.checks.ports.CheckRunner`.

A job survives its worker: the record tells its position, and each command has a derived id, so a repeated start is the
same command. All commands of a job run, even after a failure: a session then sees every failure at once. Failed ones
run once more on the tree as it was sent: the first run may have repaired its files.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from groundwork.checks.errors import NoFreeSlot
from groundwork.checks.keeper import SandboxKeeper
from groundwork.checks.log_text import read_log
from groundwork.checks.model import CommandResult
from groundwork.checks.poll_delay import poll_delay_s, wait_for_slot_s
from groundwork.checks.ports import CheckJob, CheckProgress, Owner
from groundwork.checks.records import CheckRecord, CheckRecords, StoredResult
from groundwork.checks.sandboxes import OpenSandbox
from groundwork.checks.steps import JobStep, is_second_round, next_run, steps_of
from groundwork.sandbox import keeping
from groundwork.sandbox.command_words import paths_in
from groundwork.sandbox.errors import (
    CommandConflict,
    CommandRefused,
    KeyReused,
    NoCapacity,
    SandboxBusy,
    SandboxLost,
    TreeRefused,
)
from groundwork.sandbox.keeping import SetupStore
from groundwork.sandbox.model import (
    ChangedFiles,
    Command,
    CommandLimits,
    CommandStatus,
    Ending,
    LogPage,
    SandboxSpec,
    Tree,
    shell,
)
from groundwork.sandbox.packing import files_of
from groundwork.sandbox.setup_key import decides_setup, setup_key
from groundwork.sandbox.verdict import Verdict, verdict_of_all

MAX_LOST = 3
"""Sandboxes lost during one job. Then it could not run."""

POLL_SECONDS = 20.0
LIVE_LOG_SECONDS = 3.0
"""Time until users see the log of a running command."""

MIN_WAIT_SECONDS = 2.0
MIN_LIFE_SECONDS, MAX_LIFE_SECONDS = 3_600, 28_800
"""Bounds of a sandbox's lifetime; the service allows eight hours."""

MAX_CHANGED_BYTES = 4 * 1024 * 1024
WAITS: dict[type[Exception], str] = {
    NoFreeSlot: "Waiting for a free sandbox",
    NoCapacity: "Waiting for a sandbox: the service has none free",
    # a killed command may take a moment to end
    SandboxBusy: "Waiting for an earlier command to end",
}

IN_SANDBOX_END = 2**62
"""An offset behind any log: only the command's end answers such a poll."""


class SandboxCheckRunner:
    """Runs checks. `machine` names the sandboxes' image, for the keys of kept set-ups.

    `notice` is a sentence to show with each command, such as a missing isolation.
    """

    def __init__(
        self, keeper: SandboxKeeper, records: CheckRecords, setups: SetupStore, machine: str, notice: str = ""
    ) -> None:
        self._keeper, self._records, self._setups, self._machine = keeper, records, setups, machine
        self._sandboxes, self._now_ms, self._notice = keeper.sandboxes, keeper.now_ms, notice

    def advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        progress = self._advance(job, seconds)
        return replace(progress, bill=self._keeper.running_bill(job.owner))

    def _advance(self, job: CheckJob, seconds: Callable[[], float]) -> CheckProgress:
        record = self._records.load(job.owner, job.id)
        if record is None:
            record = CheckRecord.of(job, self._now_ms())
            self._records.save(job.owner, record)
        if record.verdict is not None:
            return self._progress(job, record)
        try:
            return _Course(self, job, record).run(seconds)
        except (NoFreeSlot, NoCapacity, SandboxBusy) as wait:
            return self._waiting(job, record, WAITS[type(wait)])
        except (SandboxLost, KeyReused) as lost:
            return self._restart(job, str(lost))
        except TreeRefused as refused:
            return self._replace_refusing(job, str(refused))
        except (CommandRefused, CommandConflict) as refused:
            return self._give_up(job, f"The sandbox refused: {refused}", Ending.COULD_NOT_START)

    def log(self, owner: Owner, job_id: str, position: int, offset: int) -> LogPage:
        sandbox, record = self._sandbox(owner), self._records.load(owner, job_id)
        if record is None or record.generation != sandbox.generation:
            raise SandboxLost("The log is gone with its sandbox.")
        stored = self._records.results(owner, job_id)
        runs = {one.position: one.tries for one in stored}
        if record.verdict is None:
            # a first failure is stored while the second run goes on
            runs[record.position] = record.tries
        positions = sorted(runs)
        if not 0 <= position < len(positions):
            return LogPage()
        id_ = command_id(job_id, positions[position], runs[positions[position]])
        status = self._sandboxes.poll(sandbox.handle, id_, offset)
        if status.ending is Ending.LOST:
            raise SandboxLost(status.detail)
        return status.log

    def changes(self, owner: Owner) -> ChangedFiles:
        return self._sandboxes.changes(self._sandbox(owner).handle, MAX_CHANGED_BYTES)

    def close(self, owner: Owner) -> None:
        self._keeper.close(owner)

    def _sandbox(self, owner: Owner) -> OpenSandbox:
        sandbox = self._keeper.rows.get(owner)
        if sandbox is None or not sandbox.machine_id:
            raise SandboxLost("The sandbox is gone.")
        return sandbox

    def _waiting(self, job: CheckJob, record: CheckRecord, activity: str) -> CheckProgress:
        waited = (self._now_ms() - record.started_at) / 1000
        return CheckProgress(wait_s=wait_for_slot_s(waited, MIN_WAIT_SECONDS), activity=activity)

    def _restart(self, job: CheckJob, reason: str) -> CheckProgress:
        """Continue in another sandbox, or give up."""
        record = self._records.load(job.owner, job.id)
        assert record is not None
        lost = record.changed(lost=record.lost + 1)
        if lost.lost >= MAX_LOST:
            return self._give_up(job, f"The sandbox was lost {lost.lost} times: {reason}", Ending.LOST)
        self._records.save(job.owner, lost)
        sandbox = self._keeper.rows.get(job.owner)
        # a start that found dead machines only has replaced them already
        if sandbox is not None and sandbox.machine_id:
            self._keeper.replace(sandbox, setup_done=not job.settings.setup)
        return CheckProgress(wait_s=MIN_WAIT_SECONDS, activity="Sandbox lost; starting another")

    def _replace_refusing(self, job: CheckJob, reason: str) -> CheckProgress:
        """Continue in another sandbox once: files of earlier commands may be the cause."""
        record, sandbox = self._records.load(job.owner, job.id), self._keeper.rows.get(job.owner)
        assert record is not None
        if record.refused or sandbox is None:
            return self._give_up(job, f"The sandbox refused: {reason}", Ending.COULD_NOT_START)
        # replaced first: a record that counts the refusal must not go on in the refusing sandbox
        self._keeper.replace(sandbox, setup_done=not job.settings.setup)
        self._records.save(job.owner, record.changed(refused=1))
        return CheckProgress(
            wait_s=MIN_WAIT_SECONDS, activity="Starting another sandbox: the last one refused the files"
        )

    def _give_up(self, job: CheckJob, reason: str, ending: Ending) -> CheckProgress:
        record = self._records.load(job.owner, job.id)
        assert record is not None
        steps = steps_of(job)
        position = min(record.position, len(steps) - 1)
        result = CommandResult(
            command=steps[position].command, setup=steps[position].setup, ending=ending, detail=reason
        )
        ended = record.changed(verdict=Verdict.COULD_NOT_RUN, ended_at=self._now_ms())
        self._records.save(job.owner, ended, StoredResult(position=position, tries=record.tries, result=result))
        return self._progress(job, ended)

    def _progress(self, job: CheckJob, record: CheckRecord) -> CheckProgress:
        results = tuple(one.result for one in self._records.results(job.owner, job.id))
        return CheckProgress(results, record.verdict)


class _Course:
    """One invocation's part of a job."""

    def __init__(self, runner: SandboxCheckRunner, job: CheckJob, record: CheckRecord) -> None:
        self._job, self._record = job, record
        self._keeper, self._records, self._setups = runner._keeper, runner._records, runner._setups
        self._sandboxes, self._now_ms, self._machine = runner._sandboxes, runner._now_ms, runner._machine
        self._steps, self._notice = steps_of(job), runner._notice
        self._first = len(job.settings.setup)
        self._stored: dict[int, StoredResult] = {}
        self._loaded: Tree | None = None

    def run(self, seconds: Callable[[], float]) -> CheckProgress:
        self._sandbox = self._open()
        if self._record.generation != self._sandbox.generation:
            self._records.forget_results(self._job.owner, self._job.id)
            self._save(self._record.in_sandbox(self._sandbox.generation))
        self._stored = {one.position: one for one in self._records.results(self._job.owner, self._job.id)}
        while self._record.verdict is None:
            if not self._record.ready:
                self._prepare()
                continue
            status = self._wait(seconds)
            if status.ending is None:
                return self._running(status)
            self._finish(status)
        return CheckProgress(self._results(), self._record.verdict)

    def _open(self) -> OpenSandbox:
        job, setup_done = self._job, not self._job.settings.setup
        sandbox = self._keeper.open(job.owner, spec_of(job), setup_done)
        # a job that has begun in it stays: its successor would be as old at this point
        if self._record.generation != sandbox.generation and self._is_too_old(sandbox):
            self._keeper.replace(sandbox, setup_done)
            sandbox = self._keeper.open(job.owner, spec_of(job), setup_done)
        return sandbox

    def _is_too_old(self, sandbox: OpenSandbox) -> bool:
        """True if the sandbox would end before the job."""
        age = (self._now_ms() - sandbox.created_at) / 1000
        needed = self._job.settings.timeout_s * len(self._steps)
        return age > 60 and sandbox.spec.max_seconds - age < min(needed, MIN_LIFE_SECONDS / 2)

    def _prepare(self) -> None:
        """Put the tree at the start, after set-up and before second runs. Restore a kept set-up."""
        record, job = self._record, self._job
        if job.settings.setup:
            self._prepare_setup()
        second = is_second_round(record, self._first)
        self._put(clean=job.clean or second)
        first = self._first if self._sandbox.setup_done else 0
        self._save(record.changed(ready=True, position=record.position if second else first))
        if not job.commands:
            self._end(Verdict.COULD_NOT_RUN)

    def _restore_setup(self) -> bool:
        # the kept one may be why the last sandbox was given up
        if self._record.refused:
            return False
        return keeping.restore(self._sandboxes, self._setups, self._sandbox.handle, self._setup_key())

    def _put(self, *, clean: bool) -> None:
        put = partial(self._sandboxes.put, self._sandbox.handle, self._tree(), clean=clean)
        try:
            put()
        except SandboxBusy:
            self._kill_others()
            put()

    def _prepare_setup(self) -> None:
        """Restore a kept set-up in a new sandbox. Let set-up run again for other lock files."""
        sandbox, key = self._sandbox, self._setup_key()
        if sandbox.setup_key == key:
            return
        is_new = not sandbox.setup_key and not sandbox.setup_done
        self._change_sandbox(setup_done=is_new and self._restore_setup(), setup_key=key)

    def _set_up(self) -> None:
        self._change_sandbox(setup_done=True)

    def _change_sandbox(self, **fields: Any) -> None:
        after = self._sandbox.changed(**fields)
        self._keeper.rows.update(self._sandbox, after)
        self._sandbox = after

    def _kill_others(self) -> None:
        """Kill the command of a job that its session has given up."""
        for other in self._records.of_owner(self._job.owner):
            if other.verdict is None and other.job_id != self._job.id and other.generation == self._sandbox.generation:
                self._sandboxes.kill(self._sandbox.handle, command_id(other.job_id, other.position, other.tries))

    def _tree(self) -> Tree:
        if self._loaded is None:
            self._loaded = self._job.tree() if callable(self._job.tree) else self._job.tree
        return self._loaded

    def _setup_key(self) -> str:
        settings = self._job.settings
        # other variables or hosts may lead to another result of the same commands
        env = json.dumps(settings.env, sort_keys=True), *settings.env.values()
        parts = (*settings.setup, *env, *sorted(settings.hosts), settings.network)
        return setup_key(self._job.repository_id, parts, self._machine, _setup_files(self._tree(), parts))

    def _wait(self, seconds: Callable[[], float]) -> CommandStatus:
        """Start the current command if needed, and wait for its end."""
        record, handle = self._record, self._sandbox.handle
        id_ = command_id(self._job.id, record.position, record.tries)
        command = command_of(self._job, self._steps[record.position])
        try:
            self._sandboxes.start(handle, id_, command)
        except SandboxBusy:
            self._kill_others()
            self._sandboxes.start(handle, id_, command)
        pause = LIVE_LOG_SECONDS
        while True:
            left = max(seconds(), 0.0)
            status = self._sandboxes.poll(handle, id_, IN_SANDBOX_END, min(left, pause))
            if status.ending is Ending.LOST:
                raise SandboxLost(status.detail)
            if status.ending is not None or left <= 0:
                return status
            self._store_live_log(status)
            # a long command is read less often: each look stores its log
            pause = min(POLL_SECONDS, max(LIVE_LOG_SECONDS, status.seconds / 10))

    def _running(self, status: CommandStatus) -> CheckProgress:
        step, now = self._steps[self._record.position], self._store_live_log(status)
        verb = "Setting up" if step.setup else "Running"
        activity = f"{verb}: {step.command[:200]} ({status.seconds:.0f} s)"
        return CheckProgress((*self._results(), now), None, poll_delay_s(status.seconds, MIN_WAIT_SECONDS), activity)

    def _store_live_log(self, status: CommandStatus) -> CommandResult:
        """Return the result so far. A first failure stays stored until the second run has ended."""
        step = self._steps[self._record.position]
        log, cut = read_log(self._sandboxes, self._sandbox.handle, self._command_id())
        now = CommandResult(command=step.command, setup=step.setup, seconds=status.seconds, log=log, log_truncated=cut)
        if self._record.tries == 0:
            self._save(self._record, now)
            del self._stored[self._record.position]
        return now

    def _finish(self, status: CommandStatus) -> None:
        """Save the result of an ended command and move on."""
        record, step = self._record, self._steps[self._record.position]
        if step.setup:
            return self._finish_setup(self._result(step, status))
        first = self._stored.get(record.position)
        # run again only for its products, which a later command may need
        replayed = record.tries > 0 and first is not None and first.result.verdict is not Verdict.FAILED
        result = None if replayed else self._result(step, status)
        following = next_run(record, self._results_with(result), range(self._first, len(self._steps)), self._job.rerun)
        if following is None:
            return self._end(None, result)
        return self._save(following, result)

    def _finish_setup(self, result: CommandResult) -> None:
        record = self._record
        if result.verdict is Verdict.FAILED and record.tries == 0:
            # shown until the second run has ended
            return self._save(record.changed(tries=1), result)
        if result.verdict is not Verdict.PASSED:
            # nothing is known about the change, such as when a registry does not answer
            return self._end(Verdict.COULD_NOT_RUN, result)
        is_last = record.position + 1 == self._first
        if is_last:
            if self._job.keep_setup:
                handle, key = self._sandbox.handle, self._setup_key()
                keeping.keep(self._sandboxes, self._setups, handle, key, on_default_head=True)
            self._set_up()
        # set-up may have changed files of the tree
        return self._save(record.changed(position=record.position + 1, tries=0, ready=not is_last), result)

    def _result(self, step: JobStep, status: CommandStatus) -> CommandResult:
        log, cut = read_log(self._sandboxes, self._sandbox.handle, self._command_id())
        result = CommandResult(
            command=step.command, setup=step.setup, ending=status.ending, exit_code=status.exit_code,
            detail=f"{status.detail} {self._notice}".strip(), seconds=status.seconds, log=log, log_truncated=cut,
        )  # fmt: skip
        first = self._stored.get(self._record.position)
        if self._record.tries == 0 or first is None or result.verdict is not Verdict.PASSED:
            return result
        # the failure explains more than the success
        return result.model_copy(
            update={"flaky": True, "log": first.result.log, "log_truncated": first.result.log_truncated}
        )

    def _command_id(self) -> str:
        return command_id(self._job.id, self._record.position, self._record.tries)

    def _end(self, verdict: Verdict | None, result: CommandResult | None = None) -> None:
        verdict = verdict or verdict_of([one.result for one in self._results_with(result).values()])
        self._save(self._record.changed(verdict=verdict, ended_at=self._now_ms()), result)

    def _save(self, record: CheckRecord, result: CommandResult | None = None) -> None:
        self._stored = self._results_with(result)
        stored = self._stored[self._record.position] if result is not None else None
        self._records.save(self._job.owner, record, stored)
        self._record = record

    def _results_with(self, result: CommandResult | None) -> dict[int, StoredResult]:
        """Return the stored results, with a new one of the current command."""
        if result is None:
            return self._stored
        position, tries = self._record.position, self._record.tries
        return {**self._stored, position: StoredResult(position=position, tries=tries, result=result)}

    def _results(self) -> tuple[CommandResult, ...]:
        return tuple(self._stored[position].result for position in sorted(self._stored))


def verdict_of(results: list[CommandResult]) -> Verdict:
    """Return the verdict of ended commands; those of the set-up prove nothing."""
    return verdict_of_all(one.verdict for one in results if not one.setup) or Verdict.COULD_NOT_RUN


def command_id(job_id: str, position: int, tries: int) -> str:
    """Derive a command's id: a repeated start is the same command."""
    return f"{hashlib.sha256(job_id.encode()).hexdigest()[:16]}-{position}-{tries}"


def command_of(job: CheckJob, step: JobStep) -> Command:
    settings = job.settings
    limits = CommandLimits(seconds=settings.timeout_s, memory_mb=settings.memory_mb)
    # a session renews a lock file by a command of the set-up
    is_setup = step.setup or step.command in settings.setup
    network = is_setup and settings.network == "setup"
    return Command(shell(step.command), setup=is_setup, network=network, limits=limits, env=settings.env)


def spec_of(job: CheckJob) -> SandboxSpec:
    settings = job.settings
    needed = 600 + 2 * settings.timeout_s * (len(settings.setup) + len(settings.verify))
    return SandboxSpec(max_seconds=min(max(needed, MIN_LIFE_SECONDS), MAX_LIFE_SECONDS), hosts=settings.hosts)


def _setup_files(tree: Tree, commands: Sequence[str]) -> dict[str, bytes]:
    """Return the digests of the files that decide about set-up."""
    named = paths_in(commands)
    found = {path: _digest(place) for path, place in files_of(tree.folder) if decides_setup(path, named)}
    return found | {path: target.encode() for path, target in tree.links.items() if decides_setup(path, named)}


def _digest(place: Path) -> bytes:
    with place.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
