"""`remit eval`: a file of requests, answered line by line."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from remit.cli.session import Session, answers, directory_option, opened, policy_option
from remit.policy import Directory, Policy, clock
from remit.project.json_lines import lines, read_line

if TYPE_CHECKING:
    from remit.cli.auditing import DecisionLog

_AT_ONCE = 500  # answers whose records are written together


@click.command("eval", short_help="answer a file of requests, a line each")
@click.argument("requests", metavar="[REQUESTS.jsonl]", default="-")
@click.option("--audit", "audit", metavar="FILE|URL", help="Leave a record of every allowed request in this log.")
@policy_option
@directory_option
@answers
def command(requests: str, audit: str | None, policy_path: str | None, directory_path: str | None) -> int:
    """Answer AuthZEN requests, one JSON object a line, from a file or from standard input: one answer for each line
    that is not blank, in their order. Exit 0, or 2 where a line was no valid request; denials are no failure.

    Example: remit eval requests.jsonl > answers.jsonl"""
    session = Session(policy_path, directory_path)
    policy = session.policy()
    now = clock()  # one time for the whole run
    pdp = session.bind(policy, _directory(session, policy), lambda: now)
    log = None
    if audit is not None:
        from remit.cli.auditing import DecisionLog

        log = DecisionLog(session, policy, audit, now)
    at_once = _AT_ONCE if log is not None and os.path.isfile(requests) else 1  # who feeds a pipe waits for each answer
    valid = True
    waiting: list[dict[str, Any]] = []
    try:
        with opened(requests) as source:
            for number, line in lines(source):
                request, wrong = read_line(line)
                answer = pdp.decide(request).to_response() if not wrong else _refused(f"line {number}: {wrong}")
                valid = valid and answer["context"]["code"] != "invalid_request"
                if log is not None and answer["decision"]:
                    log.take(request, answer["context"]["rules"])
                waiting.append(answer)
                if len(waiting) >= at_once:
                    _say(waiting, log)
        _say(waiting, log)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: end quietly
    return 0 if valid else 2


def _say(answers: list[dict[str, Any]], log: DecisionLog | None) -> None:
    """First the records, then the answers they are of."""
    if log is not None:
        log.write()
    for answer in answers:
        click.echo(json.dumps(answer))
    answers.clear()


def _directory(session: Session, policy: Policy) -> Directory | None:
    """The directory; none where the requests themselves bring the roles and there is no file."""
    if policy.table.roles_from_subject and session.directory_place() is None:
        return None
    return session.directory()


def _refused(why: str) -> dict[str, Any]:
    return {"decision": False, "context": {"code": "invalid_request", "rules": [], "message": why}}
