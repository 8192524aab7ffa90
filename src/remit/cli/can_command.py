"""`remit can`: yes or no, and one line of reason."""

from __future__ import annotations

import json

import click

from remit.cli import asking
from remit.cli.question import Question, arguments, question_options
from remit.cli.session import answers, shown


@click.command("can", short_help="may this user do this: yes or no, with one line of reason")
@question_options
@answers
def command(words: tuple[str, ...], output_format: str | None, **options: object) -> int:
    """May USER do ACTION on a resource: prints yes or no with one line of reason; exit 0 for yes, 1 for no.

    With --role in place of a user: remit can --role viewer read record.

    Example: remit can bob sign record:r1 --set vet=ann --at branch/north"""
    question = Question(arguments(words, options))
    if asking.chosen(output_format, question.session, "text", "json") == "json":
        click.echo(json.dumps(question.decision().to_response(), ensure_ascii=True))
    else:
        click.echo(shown(question.line()))
    return 0 if question.judged.code == "allowed" else 1
