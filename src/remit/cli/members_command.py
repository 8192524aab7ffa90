"""`remit members`: who is here, with which role, and where it comes from."""

from __future__ import annotations

import json

import click

from remit.cli import asking
from remit.cli.session import Session, answers, at_option, directory_option, format_option, policy_option


@click.command("members", short_help="who is here, with which role, and where it comes from")
@at_option
@policy_option
@directory_option
@format_option("text", "json")
@answers
def command(scope: str | None, policy_path: str | None, directory_path: str | None, output_format: str | None) -> int:
    """List who is at a place: status, role, and where the role comes from. A role is `multiple` where several count.

    Example: remit members --at project/app"""
    from remit.analysis.queries import members

    session = Session(policy_path, directory_path)
    policy = session.policy()
    asking.check_scope(policy.table, scope)
    pdp = session.bind(policy, session.directory())
    asking.say_unknown_place(pdp, scope)
    answer = members(pdp, scope)
    if asking.chosen(output_format, session, "text", "json") == "json":
        click.echo(json.dumps(answer))
        return 0
    from remit.report.members_text import members_text

    click.echo(members_text(answer, policy.table.individual_over_group))
    return 0
