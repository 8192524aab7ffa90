"""`remit matrix`: what each role may do."""

from __future__ import annotations

import json

import click

from remit.cli import asking
from remit.cli.session import Session, answers, format_option, policy_option

FORMATS = ("text", "markdown", "csv", "json")


@click.command("matrix", short_help="what each role may do")
@policy_option
@format_option(*FORMATS)
@answers
def command(policy_path: str | None, output_format: str | None) -> int:
    """Show what somebody may do who holds only one role, for each role, resource type and action.

    Example: remit matrix --output-format markdown > matrix.md"""
    from remit.analysis.queries import matrix

    session = Session(policy_path)
    table = session.policy().table
    answer = matrix(table)
    path = asking.path_from_here(table)
    chosen = asking.chosen(output_format, session, *FORMATS)
    if chosen == "json":
        text = json.dumps(answer)
    elif chosen == "csv":
        from remit.report.matrix_csv import matrix_csv

        text = matrix_csv(answer)
    elif chosen == "markdown":
        from remit.report.matrix_markdown import matrix_markdown

        text = matrix_markdown(answer, path)
    else:
        from remit.report.matrix_text import matrix_text

        text = matrix_text(answer, path)
    click.echo(text)
    return 0
