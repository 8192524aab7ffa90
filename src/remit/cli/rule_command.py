"""`remit rule`: what a code means, or which codes there are."""

from __future__ import annotations

import json
import sys

import click

from remit.cli import asking
from remit.cli.session import Session, answers, coloured, fail, format_option
from remit.codes import CODES
from remit.diagnostics import similar

_FORMATS = ("text", "markdown", "json")
_WIDEST = 100  # columns that a page takes in a terminal, however wide that is


@click.command("rule", short_help="what a code means")
@click.argument("code", metavar="[CODE|NAME]", required=False)
@format_option(*_FORMATS)
@answers
def command(code: str | None, output_format: str | None) -> int:
    """Print the page of a finding: what is found, why it is bad, an example with what remit says, the same put right.

    Without CODE, all there are: which run by themselves, which need `lint --exact`, and which come with a fix.

    \b
    Examples:
      remit rule E104
      remit rule duplicate-rule"""
    from remit.report.codes_listing import rules_json, rules_markdown, rules_text
    from remit.report.rule_pages import codes, page_text

    chosen = asking.chosen(output_format, Session(), *_FORMATS)
    if code is None:
        writers = {"text": rules_text, "markdown": rules_markdown, "json": rules_json}
        click.echo(writers[chosen](codes()))
        return 0
    found = _code(code)
    try:
        page = page_text(found)
    except OSError:
        fail(f"the page of `{found}` is missing from this installation", "install remit again")
    if chosen == "json":
        one = next(one for one in codes() if one.code == found)
        click.echo(json.dumps(one._asdict() | {"text": page}, indent=2))
    elif chosen == "text" and sys.stdout.isatty():
        _draw(page)
    else:
        click.echo(page, nl=False)
    return 0


def _code(word: str) -> str:
    """The code that is meant, by itself or its name; capital or not. Ends the call where there is none."""
    found = next((code for code, name in CODES.items() if word.upper() == code or word.lower() == name), None)
    if found is None:
        fail(f"there is no code `{word}`", similar(word, [*CODES, *CODES.values()], "`remit rule` lists them all"))
    return found


def _draw(page: str) -> None:
    """A page in a terminal."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(no_color=not coloured(), highlight=False)
    console.print(Markdown(page, code_theme="ansi_dark", hyperlinks=False), width=min(console.width, _WIDEST))
