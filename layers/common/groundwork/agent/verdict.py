"""Verdict on a session's `finish`: all criteria met, something changed, no secret written."""

from typing import Any

from groundwork.agent import prompts, secret_scan
from groundwork.agent.commit_message import choose_subject
from groundwork.agent.session import Criterion, Session, SessionEnd
from groundwork.agent.tools import CriterionVerdict, FinishInput, parse_input
from groundwork.agent.workspace import ToolFailed, Workspace
from groundwork.llm.conversation import Block
from groundwork.text import one_line, shorten


def finish_verdict(session: Session, workspace: Workspace, call: Block, reminded: bool) -> SessionEnd:
    """Decide how `finish` ends the session. Raises ToolFailed if the model must try again.

    `reminded`: the model had its reminder, so the session ends in any case.
    """
    finish = parse_input(FinishInput, call)
    verdicts = _verdicts(session, finish)
    changes = workspace.changes()
    fields: dict[str, Any] = {
        "summary": shorten(secret_scan.redact(finish.summary.strip()), 4_000),
        "subject": secret_scan.redact(choose_subject(finish.commit_subject, session.brief.title, changes)),
        "criteria": tuple(Criterion(number=v.number, met=v.met, evidence=_evidence(v)) for v in verdicts),
    }
    # an honest "could not be run" is no failure: the checks of the repository, if any, run before the change lands
    if unmet := [verdict for verdict in verdicts if not verdict.met and not verdict.not_run]:
        first = unmet[0]
        reason = f"Criterion {first.number} is not met: {_evidence(first) or 'no reason given'}"
        more = f" ({len(unmet) - 1} more are not met)" if len(unmet) > 1 else ""
        return SessionEnd(outcome="UNMET", reason=reason + more, **fields)
    if session.brief.change_asked and not changes:
        return _remind_once(reminded, prompts.NOTHING_CHANGED, "NOTHING_CHANGED", "No file was changed.", fields)
    if found := [
        *_secrets_in_message(finish),
        *secret_scan.find_in_names(changes, workspace.original),
        *secret_scan.find_in_changes(changes, workspace.original),
    ]:
        what = "; ".join(found[:5])
        text = f"{what}. A commit must hold no secrets: take it out and call finish again."
        return _remind_once(reminded, text, "SECRET", f"A likely secret was written: {what}.", fields)
    return SessionEnd(outcome="DONE", **fields)


def _evidence(verdict: CriterionVerdict) -> str:
    # the evidence is stored, shown, and passed to the next attempt, and no other scan covers its quotes
    text = shorten(secret_scan.redact(one_line(verdict.evidence)), 500)
    return f"Not run: {text}" if verdict.not_run and not verdict.met else text


def _secrets_in_message(finish: FinishInput) -> list[str]:
    """Secrets in texts of the commit message."""
    return [
        *secret_scan.find_in_text("the summary", finish.summary),
        *secret_scan.find_in_text("the subject", finish.commit_subject),
    ]


def _verdicts(session: Session, finish: FinishInput) -> list[CriterionVerdict]:
    """One verdict per criterion. Raises ToolFailed."""
    wanted = range(1, len(session.brief.acceptance_criteria) + 1)
    by_number = {verdict.number: verdict for verdict in finish.criteria}
    if missing := [number for number in wanted if number not in by_number]:
        raise ToolFailed(
            f"There is no verdict on criterion {', '.join(map(str, missing))}; call finish with one for each."
        )
    verdicts = [by_number[number] for number in wanted]
    claimed = [verdict for verdict in verdicts if verdict.met or verdict.not_run]
    if unproven := [verdict.number for verdict in claimed if not verdict.evidence.strip()]:
        raise ToolFailed(f"There is no evidence for criterion {unproven[0]}; say where it can be seen that it is met.")
    return verdicts


def _remind_once(reminded: bool, text: str, outcome: str, reason: str, fields: dict[str, Any]) -> SessionEnd:
    """Raises ToolFailed the first time."""
    if not reminded:
        raise ToolFailed(text)
    return SessionEnd.model_validate({"outcome": outcome, "reason": reason, **fields})
