"""`remit explain`: everything about one decision."""

from __future__ import annotations

import json

import click

from remit.cli import asking
from remit.cli.question import Question, arguments, question_options
from remit.cli.session import answers, coloured


@click.command("explain", short_help="why, or why not, and what would have to change")
@question_options
@answers
def command(words: tuple[str, ...], output_format: str | None, **options: object) -> int:
    """Why USER may, or may not, do ACTION: every rule that applied, what its condition saw, how roles are held, and for
    a denial every smallest change that would allow it. Exit 0 for yes, 1 for no.

    Example: remit explain bob sign record:r1 --set vet=ann --at branch/north"""
    question = Question(arguments(words, options))
    if asking.chosen(output_format, question.session, "text", "json") == "json":
        click.echo(json.dumps(question.explanation().to_dict(), indent=2, ensure_ascii=True))
        return 0 if question.judged.code == "allowed" else 1
    from remit.report.explain_text import Shown

    colour = coloured()
    drawn = Shown(
        question.explanation(),
        question.path,
        lambda text, name: click.style(text, fg=name) if colour else text,
        question.source,
    ).text()
    click.echo(drawn, nl=False, color=colour)
    return 0 if question.judged.code == "allowed" else 1
