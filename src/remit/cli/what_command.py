"""`remit what`: everything a user may do."""

from __future__ import annotations

import json

import click

from remit.cli import asking
from remit.cli.session import (
    Session,
    answers,
    at_option,
    context_option,
    directory_option,
    fail,
    format_option,
    policy_option,
    role_option,
    set_option,
)


@click.command("what", short_help="what may this user do")
@click.argument("user", required=False)
@set_option
@at_option
@context_option
@role_option
@policy_option
@directory_option
@format_option("text", "json")
@answers
def command(
    user: str | None,
    given: tuple[str, ...],
    scope: str | None,
    surroundings: tuple[str, ...],
    roles: tuple[str, ...],
    policy_path: str | None,
    directory_path: str | None,
    output_format: str | None,
) -> int:
    """List everything USER may do, and under which condition where attributes are left open. With --role in place of
    USER: what somebody may do who holds just these roles.

    Example: remit what ann --at branch/north"""
    from remit.analysis.queries import what

    if (user is None) != bool(roles):
        fail("this asks about USER or about --role, one of the two", "write remit what USER, or remit what --role ROLE")
    session = Session(policy_path, directory_path)
    policy = session.policy()
    table = policy.table
    properties = asking.known_properties(table, given, scope)
    context = asking.context_values(table, surroundings)
    held = asking.check_roles(table, roles) if roles else None
    needs_directory = held is None or (scope is not None and scope != table.root)
    pdp = session.bind(policy, session.directory() if needs_directory else None)
    asking.say_unknown_place(pdp, scope)
    answer = what(pdp, user, scope, properties, context, held)
    if asking.chosen(output_format, session, "text", "json") == "json":
        click.echo(json.dumps(answer))
        return 0
    from remit.report.what_text import what_text

    person = pdp.directory.users.get(user) if user else None
    note = (
        "" if person and person.status == "active" else f"is {person.status}" if person else "is not in the directory"
    )
    click.echo(what_text(answer, asking.path_from_here(table), note))
    if person and (line := asking.elsewhere(pdp, scope, person)):
        click.echo(f"\n{line}")
    return 0
