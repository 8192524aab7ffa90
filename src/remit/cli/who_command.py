"""`remit who`: everybody who may do something."""

from __future__ import annotations

import json
from typing import Any

import click

from remit.cli import asking
from remit.cli.session import (
    Session,
    answers,
    at_option,
    context_option,
    directory_option,
    format_option,
    policy_option,
    set_option,
)


@click.command("who", short_help="who may do this")
@click.argument("action")
@click.argument("resource", metavar="TYPE[:ID]")
@set_option
@at_option
@context_option
@policy_option
@directory_option
@format_option("text", "json")
@answers
def command(
    action: str,
    resource: str,
    given: tuple[str, ...],
    scope: str | None,
    surroundings: tuple[str, ...],
    policy_path: str | None,
    directory_path: str | None,
    output_format: str | None,
) -> int:
    """List every user who may do ACTION on a resource, and under which condition where attributes are left open.

    Example: remit who sign record:r1 --at branch/north --set status=open"""
    from remit.analysis.queries import who

    session = Session(policy_path, directory_path)
    policy = session.policy()
    table = policy.table
    kind, identifier = asking.parse_resource(table, resource)
    asking.check_action(table, kind, action)
    properties = asking.properties(table, kind, given, scope)
    context = asking.context_values(table, surroundings)
    pdp = session.bind(policy, session.directory())
    asked: dict[str, Any] = {"type": kind, "id": identifier, "properties": properties}
    asking.say_unknown_place(pdp, scope)
    answer = who(pdp, action, asked, context)
    if asking.chosen(output_format, session, "text", "json") == "json":
        click.echo(json.dumps(answer))
        return 0
    from remit.report.who_text import who_text

    click.echo(who_text(answer, asking.path_from_here(table)))
    if note := asking.elsewhere(pdp, scope, None):
        click.echo(f"\n{note}")
    return 0
