"""`remit eval`: a file of requests, answered line by line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from remit.cli.progress import SILENT, Bar, progress
from remit.cli.session import Session, answers, directory_option, opened, policy_option
from remit.policy import Directory, Pdp, Policy, clock
from remit.project.json_lines import lines, read_line

if TYPE_CHECKING:
    from remit.cli.auditing import DecisionLog

_AT_ONCE = 500  # answers whose records are written together
_LARGE = 4_000_000  # bytes of requests from which on they are decided as columns
_MB = 1_000_000  # bytes
_BATCH, _BATCH_SIZE = 20_000, 64_000_000  # requests that are decided together, and their bytes


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
    if log is None and _is_large(requests):
        return _in_columns(requests, pdp)
    at_once = _AT_ONCE if log is not None and os.path.isfile(requests) else 1  # who feeds a pipe waits for each answer
    valid = True
    waiting: list[dict[str, Any]] = []
    with _until_the_reader_goes():
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
    return 0 if valid else 2


@contextmanager
def _until_the_reader_goes() -> Iterator[None]:
    """Ends quietly once nobody reads the answers."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_large(requests: str) -> bool:
    """Whether it pays to decide the requests as columns, and whether that can be had."""
    try:
        if requests == "-" or not os.path.isfile(requests) or os.path.getsize(requests) < _LARGE:
            return False
    except OSError:
        return False  # which is said when it is opened
    return find_spec("numpy") is not None and find_spec("pyarrow") is not None


def _in_columns(requests: str, pdp: Pdp) -> int:
    """The same answers, many requests at a time."""
    from remit.bulk.requests import Answer, Answering

    answering, valid = Answering(pdp), True
    with _until_the_reader_goes(), opened(requests) as source, _share_read(source) as tell:
        for batch in _batches(source):
            answered = iter(answering.answers([request for request, wrong in batch if not wrong]))
            said = [Answer(json.dumps(_refused(wrong)), False) if wrong else next(answered) for _, wrong in batch]
            valid = valid and all(answer.valid for answer in said)
            click.echo("\n".join(answer.text for answer in said))
            tell()
    return 0 if valid else 2


@contextmanager
def _share_read(source: BinaryIO) -> Iterator[Callable[[], None]]:
    """Shows how much of a file has been read, whenever the function is called that it gives."""
    total = os.fstat(source.fileno()).st_size // _MB
    # where answers scroll by, a bar would be in their way
    drawn: AbstractContextManager[Bar] = nullcontext(SILENT) if sys.stdout.isatty() else progress("MB", total)
    with drawn as bar:
        yield lambda: bar.so_far("MB", source.tell() // _MB, total)


def _batches(source: BinaryIO) -> Iterator[list[tuple[Any, str]]]:
    """Requests, or what is wrong with a line, so many together."""
    found: list[tuple[Any, str]] = []
    size = 0
    for number, line in lines(source):
        request, wrong = read_line(line)
        found.append((request, f"line {number}: {wrong}" if wrong else ""))
        size += len(line or b"")
        if len(found) >= _BATCH or size > _BATCH_SIZE:
            yield found
            found, size = [], 0
    if found:
        yield found


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
