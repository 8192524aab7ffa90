"""`remit apply`: membership events against the directory."""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import click

from remit.cli.auditing import say_notices, setting_of, store_of
from remit.cli.session import Session, answers, coloured, directory_option, fail, opened, policy_option
from remit.membership.apply import Sequence
from remit.membership.case import MisfitError
from remit.membership.event import BadEvent, kept_of, name_trouble
from remit.policy import Policy, clock
from remit.project.json_lines import lines, read_line
from remit.stores.store import Setting, Store, StoreError, UnreadableError


@click.command("apply", short_help="membership events against the directory")
@click.argument("events", metavar="[EVENTS.jsonl]", default="-")
@click.option("--dry-run", is_flag=True, help="Judge the events, one after the other, and leave everything as it is.")
@click.option("--audit", "audit", metavar="FILE", help="The audit log. Default: audit.jsonl beside the directory.")
@policy_option
@directory_option
@click.option(
    "--output-format",
    type=click.Choice(["text", "json"]),
    default=None,
    help="Default: text in a terminal, else json.",
)
@answers
def command(
    events: str,
    dry_run: bool,
    audit: str | None,
    policy_path: str | None,
    directory_path: str | None,
    output_format: str | None,
) -> int:
    """Judge membership events, one JSON object a line, from a file or from standard input, by the policy's
    `assignments` and guards, and apply each whole or not at all. One result for each line that is not blank, in their
    order; a refusal does not stop the rest. JSON lines unless the output is a terminal.

    \b
    Examples:
      remit apply events.jsonl
      echo '{"type": "disable", "user": "ann", "by": "bob"}' | remit apply - --dry-run

    Exit codes: 0 all accepted, 1 some refused, 2 some invalid, or the call is wrong."""
    session = Session(policy_path, directory_path)
    policy = session.policy()
    as_text = (output_format or ("text" if sys.stdout.isatty() else "json")) == "text"
    codes: set[str] = set()
    try:
        store = store_of(session, audit)
        setting = setting_of(session, policy)
        judge = _Rehearsal(store, setting).take if dry_run else partial(_apply, store, setting)
        say_notices(store)
        with closing(store), opened(events) as source:
            for number, line in lines(source):
                event, wrong = read_line(line)
                result = judge(_unread(number, wrong, line) if wrong else event)
                say_notices(store)
                codes.add(result["code"])
                here = "" if events == "-" else f"{events}:{number}: "
                _say(_text(policy, result, here) if as_text else json.dumps(result, ensure_ascii=False))
    except (UnreadableError, MisfitError) as error:
        session.refuse(error.diagnostics)
    except StoreError as error:
        fail(str(error), error.help)
    return 2 if "invalid_event" in codes else int(bool(codes - {"accepted"}))


def _say(text: str) -> None:
    """Where the reader has gone the results go nowhere; the events are judged all the same."""
    try:
        click.echo(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unread(number: int, wrong: str, line: bytes | None) -> BadEvent:
    return BadEvent(f"line {number}: {wrong}", given=kept_of((line or b"").decode("utf-8", "replace").rstrip()))


def _apply(store: Store, setting: Setting, event: Any) -> dict[str, Any]:
    return store.apply(setting, event, clock())


class _Rehearsal:
    """A dry run. Events are judged where the directory is kept, up to the first that is accepted; only where another
    follows it is the directory read into memory, and changed there."""

    def __init__(self, store: Store, setting: Setting) -> None:
        self.store = store
        self.setting = setting
        self.changing: Any = None  # the event that would have changed something
        self.sequence: Sequence | None = None
        self.first: dict[str, dict[str, Any]] = {}  # results by the event's id

    def take(self, event: Any) -> dict[str, Any]:
        """The result the event would have."""
        id = event.get("id") if isinstance(event, dict) else None
        if not isinstance(id, str) or not id or name_trouble(id):
            return self._judged(event)
        if id not in self.first:
            self.first[id] = self.store.seen(id) or self._judged(event)
        return self.first[id]

    def _judged(self, event: Any) -> dict[str, Any]:
        now = clock()
        if self.sequence is None and self.changing is None:
            result = self.store.apply(self.setting, event, now, dry_run=True)
            self.changing = event if result["accepted"] else None
            return result
        if self.sequence is None:
            self.sequence = Sequence(self.setting.index, self.store.load())
            self.sequence.take(self.changing, now)
        return self.sequence.take(event, now)[1].result()


def _text(policy: Policy, result: dict[str, Any], here: str) -> str:
    from remit.report.result_text import result_text

    return result_text(policy.table, result, here, coloured(), str(Path.cwd()))
