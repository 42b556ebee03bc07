"""Whether what a session says at its end can be believed and is enough: every criterion met, and something changed."""

from typing import Any

from groundwork.agent import prompts, secret_scan
from groundwork.agent.commit_message import subject_of
from groundwork.agent.session import Criterion, Session, SessionEnd
from groundwork.agent.tools import FINISH, Finish, Verdict, parsed
from groundwork.agent.workspace import ToolFailed, Workspace
from groundwork.llm.conversation import Block
from groundwork.text import one_line, shorten


def finish_verdict(session: Session, workspace: Workspace, call: Block, reminded: bool) -> SessionEnd:
    """How the session ends by this call of `finish`. Raises NotDone where the model is to try again.

    `reminded` if it has been told before: then it ends all the same.
    """
    said: Finish = parsed(FINISH, call)
    verdicts = _verdicts(session, said)
    changes = workspace.changes()
    known: dict[str, Any] = {
        "summary": shorten(secret_scan.redacted(said.summary.strip()), 4_000),
        "subject": secret_scan.redacted(subject_of(said.commit_subject, session.brief.title, changes)),
        "criteria": tuple(Criterion(number=v.number, met=v.met, evidence=_evidence(v)) for v in verdicts),
    }
    if unmet := [verdict for verdict in verdicts if not verdict.met]:
        first = unmet[0]
        reason = f"Criterion {first.number} is not met: {_evidence(first) or 'no reason given'}"
        more = f" ({len(unmet) - 1} more are not met)" if len(unmet) > 1 else ""
        return SessionEnd(outcome="UNMET", reason=reason + more, **known)
    if session.brief.change_asked and not changes:
        return _insist(reminded, prompts.NOTHING_CHANGED, "NOTHING_CHANGED", "No file was changed.", known)
    if found := [
        *_leaks(said),
        *secret_scan.found_in_names(changes, workspace.before),
        *secret_scan.found(changes, workspace.before),
    ]:
        what = "; ".join(found[:5])
        text = f"{what}. A commit must hold no secrets: take it out and call finish again."
        return _insist(reminded, text, "SECRET", f"What looks like a secret was written: {what}.", known)
    return SessionEnd(outcome="DONE", **known)


def _evidence(verdict: Verdict) -> str:
    # it is kept and shown, and told to the next attempt; what it quotes is not looked at by anything else
    return shorten(secret_scan.redacted(one_line(verdict.evidence)), 500)


def _leaks(said: Finish) -> list[str]:
    """In what becomes the commit's message."""
    return [
        *secret_scan.found_in("the summary", said.summary),
        *secret_scan.found_in("the subject", said.commit_subject),
    ]


def _verdicts(session: Session, said: Finish) -> list[Verdict]:
    """One for each criterion. Raises NotDone."""
    wanted = range(1, len(session.brief.acceptance_criteria) + 1)
    by_number = {verdict.number: verdict for verdict in said.criteria}
    if missing := [number for number in wanted if number not in by_number]:
        raise ToolFailed(
            f"There is no verdict on criterion {', '.join(map(str, missing))}; call finish with one for each."
        )
    verdicts = [by_number[number] for number in wanted]
    if bare := [verdict.number for verdict in verdicts if verdict.met and not verdict.evidence.strip()]:
        raise ToolFailed(f"There is no evidence for criterion {bare[0]}; say where it can be seen that it is met.")
    return verdicts


def _insist(reminded: bool, text: str, outcome: str, reason: str, known: dict[str, Any]) -> SessionEnd:
    """Raises NotDone the first time."""
    if not reminded:
        raise ToolFailed(text)
    return SessionEnd.model_validate({"outcome": outcome, "reason": reason, **known})
