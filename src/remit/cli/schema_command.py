"""`remit schema`: the JSON Schema of a shape that crosses the border."""

from __future__ import annotations

import click

from remit.cli.session import answers, fail
from remit.diagnostics import similar


@click.command("schema", short_help="print a JSON Schema")
@click.argument("name", required=False)
@answers
def command(name: str | None) -> int:
    """Print the JSON Schema called NAME; without one, the names there are.

    Example: remit schema directory > directory.schema.json"""
    from remit.schemas import SCHEMAS, shipped_text

    if name is None:
        click.echo("\n".join(SCHEMAS))
        return 0
    if name not in SCHEMAS:
        fail(f"there is no schema `{name}`", similar(name, SCHEMAS, f"the schemas are {', '.join(SCHEMAS)}"))
    try:
        text = shipped_text(name)
    except OSError:
        fail(f"the schema `{name}` is missing from this installation", "install remit again")
    click.echo(text, nl=False)
    return 0
