"""`remit audit`: the log of what was done, held against tampering and shown to whom the policy permits it."""

from __future__ import annotations

import json
from typing import Any

import click

from remit.cli import asking
from remit.cli.auditing import log_store, reading_permission, say_notices
from remit.cli.session import Session, answers, directory_option, fail, format_option, policy_option, shown
from remit.membership.record import check_chain
from remit.stores.store import StoreError

_TRIES = 10  # at a log that others are writing to

file_argument = click.argument("file", metavar="[FILE]", required=False)


@click.group("audit", short_help="check the audit log, or show it")
def command() -> None:
    """The audit log: a record of every event, and of every allowed request where that was asked for.

    FILE is audit.jsonl beside the directory unless named; a database holds its own."""


@command.command("verify")
@file_argument
@policy_option
@directory_option
@format_option("text", "json")
@click.pass_context
@answers
def verify(
    context: click.Context,
    file: str | None,
    policy_path: str | None,
    directory_path: str | None,
    output_format: str | None,
) -> int:
    """Check that no record was changed, removed or moved.

    Example: remit audit verify

    Exit codes: 0 unbroken, 1 broken, 2 the log cannot be read."""
    session = Session(policy_path, directory_path)
    store = log_store(session, file)
    context.call_on_close(store.close)
    try:
        for _ in range(_TRIES):
            end = store.log_end()
            checked = check_chain(store.log())
            if store.log_end() == end:
                break  # nothing was written meanwhile
    except StoreError as error:
        fail(str(error), error.help)
    say_notices(store)
    if checked.unreadable and checked.unreadable == checked.count:
        fail("this is no audit log: not one line of it is a record")
    flaws = [(flaw.line, flaw.message) for flaw in checked.flaws]
    if end is None and checked.count:
        flaws.append((checked.count, "how many records there should be was not kept: some may be missing at the end"))
    elif end is not None and end[0] > checked.count:
        missing = end[0] - checked.count
        flaws.append((checked.count, f"{missing} record{'s are' if missing > 1 else ' is'} missing behind this line"))
    elif end is not None and checked.hashes[end[0]] != end[1]:
        flaws.append((max(end[0], 1), "this is not the record that was written here"))
    elif end is not None and end[0] < checked.count:
        more = checked.count - end[0]
        counted = f"{more} record{'s' if more > 1 else ''} at the end {'are' if more > 1 else 'is'} not counted yet"
        click.echo(f"note: {counted}: whoever wrote was interrupted, or somebody added to the log", err=True)
    if asking.chosen(output_format, session, "text", "json") == "json":
        found = [{"line": line, "message": message} for line, message in flaws]
        click.echo(json.dumps({"records": checked.count, "last": checked.last, "flaws": found}))
    else:
        for line, message in flaws:
            click.echo(f"line {line}: {message}")
        counted = f"{checked.count:,} record{'' if checked.count == 1 else 's'}"
        last = f"; the last is {checked.last[:16]}" if checked.last else ""
        click.echo(f"{counted}, {'broken' if flaws else 'unbroken'}{last}")
    return int(bool(flaws))


@command.command("show")
@file_argument
@click.option("--as", "reader", metavar="USER", required=True, help="Who wants to read it: the policy is asked.")
@click.option("--by", metavar="USER", help="Only what this user did.")
@click.option("--action", metavar="ACTION", help="Only this action, as `member.disabled`.")
@click.option("--about", metavar="ID", help="Only what concerns this member, group, scope or resource.")
@policy_option
@directory_option
@format_option("text", "json")
@click.pass_context
@answers
def show(
    context: click.Context,
    file: str | None,
    reader: str,
    by: str | None,
    action: str | None,
    about: str | None,
    policy_path: str | None,
    directory_path: str | None,
    output_format: str | None,
) -> int:
    """Show the log to a user who may read it.

    The policy says who: by its action `audit`, or what `audit_permission` in remit.toml names. Whoever may not read it
    gets a no, and nothing of the log.

    Example: remit audit show --as fay --action member.removed

    Exit codes: 0 shown, 1 the user may not, 2 the log cannot be read."""
    session = Session(policy_path, directory_path)
    policy = session.policy()
    wanted, kind = reading_permission(policy.table, session.config.audit_permission)
    pdp = session.bind(policy, session.directory())
    place = {"scope": policy.table.root} if policy.table.root is not None else {}
    decision = pdp.ask(reader, wanted, {"type": kind, "properties": place})
    if not decision.allowed:
        click.echo(shown(f"no: {reader} may not {wanted} on {kind} ({decision.code})"), err=True)
        return 1
    filters = {"action_performed_by_user_id": by, "action": action, "reference_id": about}
    as_json = asking.chosen(output_format, session, "text", "json") == "json"
    store = log_store(session, file)
    context.call_on_close(store.close)
    try:
        if check_chain(store.log()).flaws:
            click.echo("note: this log is broken: `remit audit verify` says where", err=True)
        for text in store.log():
            record = _record(text)
            if all(value is None or record.get(key) == value for key, value in filters.items()):
                click.echo(json.dumps(record, ensure_ascii=False) if as_json else shown(_line(record)))
    except StoreError as error:
        fail(str(error), error.help)
    say_notices(store)
    return 0


def _record(text: str) -> dict[str, Any]:
    from remit.membership.record import read_record

    record, why = read_record(text)
    return record if record is not None else {"action": f"(unreadable: {why})", "additional_data": {}}


def _line(record: dict[str, Any]) -> str:
    """`2026-01-31T09:00:00Z  ann  member.disabled  bob   refused: …`."""
    data = record["additional_data"]
    told = data.get("message") or ""
    refused = "" if data.get("accepted", True) else f"refused, {data.get('code')}: "
    words = [record.get("created_at"), record.get("action_performed_by_user_id"), record["action"]]
    return "  ".join(
        [*(str(word or "-") for word in (*words, record.get("reference_id"))), f"{refused}{told}"]
    ).rstrip()
