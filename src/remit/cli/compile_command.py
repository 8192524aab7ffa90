"""`remit compile`: the decision table as a file."""

from __future__ import annotations

from pathlib import Path

import click

from remit.cli.session import Session, answers, fail, policy_option, shown


@click.command("compile", short_help="write the decision table")
@policy_option
@click.option(
    "-o", "--output", metavar="FILE", default="-", help="Where to write the table; `-`, the default: standard output."
)
@answers
def command(policy_path: str | None, output: str) -> int:
    """Compile a policy to its decision table: a portable file that every command takes in place of the sources.

    Example: remit compile --policy policies/measure -o measure.table.json"""
    from remit.table import artifact

    policy = Session(policy_path).policy(cache=False)  # what is to be shipped comes from its sources
    if output == "-":
        click.echo(artifact.write(policy.table), nl=False)
        return 0
    from remit.project.tables import save_table

    try:
        save_table(policy.table, Path(output))
    except OSError as error:
        fail(f"`{output}` cannot be written: {(error.strerror or 'unknown reason').lower()}")
    click.echo(shown(f"{policy.table.name} {policy.digest[:8]}: {len(policy.table.rules)} rules in {output}"), err=True)
    return 0
