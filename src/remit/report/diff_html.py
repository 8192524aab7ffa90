"""A difference as one page to look at: the counts, each class of change as cards, what else changed. No scripts,
nothing from elsewhere; light or dark as the reader's system is. Colour never stands alone: each mark has its sign.

All text from outside goes through `html.escape`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from remit.analysis.folding import ORDER, Entry
from remit.analysis.reviewing import Review
from remit.proof.compare import Kind
from remit.report.diff_words import (
    Path,
    Paths,
    after_words,
    before_words,
    beside_words,
    cells_words,
    example_words,
    forbids_words,
    head_words,
    kept_words,
    lent_words,
    people_words,
    place_words,
    rule_text,
    scopes_words,
    through_words,
    unproven_words,
    who_words,
)
from remit.report.escape import safe
from remit.report.listing import counted
from remit.table.shape import RuleEntry

_OPEN = 200  # cards of a class that are not folded
_CLASSES: dict[Kind, tuple[str, str, str]] = {
    "gained": ("more", "+", "Gained"),
    "widened": ("more", "+", "Allowed in more cases"),
    "changed": ("other", "~", "Allowed in other cases"),
    "narrowed": ("less", "−", "Allowed in fewer cases"),
    "lost": ("less", "−", "Lost"),
    "incomplete_only": ("open", "?", "Only where a request leaves something out"),
}
STYLE = """
:root{color-scheme:light dark;--paper:#fdfdfb;--ink:#1f2328;--dim:#5f6872;--line:#dfe2e0;--code:#f3f3ef;--more:#1a7f4b;
--less:#c0352b;--other:#8a5d00;--open:#57606a}
@media(prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#dfe3e8;--dim:#9aa4ae;--line:#30363d;--code:#1f242b;
--more:#56c288;--less:#ff8077;--other:#e0b04a;--open:#9aa4ae}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:70rem;padding:2rem 1.5rem 6rem;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2.5rem 0 .75rem;border-bottom:2px solid var(--line);
padding-bottom:.35rem}h2 b{font-weight:600;display:inline-block;min-width:1.2em}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em}
code{background:var(--code);padding:.05em .3em;border-radius:3px;overflow-wrap:anywhere}
.dim,summary{color:var(--dim)}.more{color:var(--more)}.less{color:var(--less)}.other{color:var(--other)}
.open{color:var(--open)}
.counts{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;margin:1rem 0;padding:0;list-style:none}
.counts b{font-size:1.2rem}
article{border:1px solid var(--line);border-left:4px solid currentColor;border-radius:4px;padding:.6rem .9rem;
margin:.6rem 0}article>*{color:var(--ink)}article p{margin:.25rem 0}article .dim{color:var(--dim)}
.head{display:flex;flex-wrap:wrap;gap:.2rem .8rem;align-items:baseline}.head .place{margin-left:auto}
.arrow{color:var(--dim);padding:0 .3rem}
pre{background:var(--code);padding:.6rem .8rem;border-radius:4px;overflow-x:auto;margin:.4rem 0 0}
ul{padding-left:1.2rem}
"""


def diff_html(review: Review, paths: Paths, names: tuple[str, str]) -> str:
    """The review as a page, without a line end at its end. `names` are what the sides are called."""
    title = f"{safe(names[0])} → {safe(names[1])}"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
        f"<h1>{_sentence(head_words(review, _mark))}</h1>",
        f'<p class="dim">{_code(names[0])} → {_code(names[1])}</p>',
        _counts(review),
    ]
    if review.unproven:
        parts.append("<h2><b>!</b> Could not be told, and may be any</h2>")
        parts.append(_list(_code(unproven_words(one)) for one in review.unproven))
    for kind in ORDER:
        parts += _class(kind, [entry for entry in review.entries if entry.kind == kind], paths)
    if kept := kept_words(review):
        said = f"Not told again: all of it is denied, then as now, when {_code(kept)}."
        parts.append(f'<p class="dim">{said}</p>')
    if review.beside:
        parts.append("<h2>Beside that</h2>")
        parts.append(_list(_sentence(beside_words(one, _mark)) for one in review.beside))
    return "\n".join([*parts, "</body>\n</html>"])


def _counts(review: Review) -> str:
    items = []
    for kind in ORDER:
        style, sign, title = _CLASSES[kind]
        if review.changed[kind]:
            items.append(f'<li class="{style}"><b>{sign} {review.changed[kind]:,}</b> {title.lower()}</li>')
    return f'<ul class="counts">{"".join(items)}</ul>' if items else ""


def _class(kind: Kind, entries: list[Entry], paths: Paths) -> Iterable[str]:
    if not entries:
        return
    style, sign, title = _CLASSES[kind]
    yield f'<h2><b class="{style}">{sign}</b> {title}</h2>'
    yield from (_card(entry, style, sign, paths) for entry in entries[:_OPEN])
    if len(entries) > _OPEN:
        yield f"<details><summary>{counted(len(entries) - _OPEN, 'more change')}</summary>"
        yield from (_card(entry, style, sign, paths) for entry in entries[_OPEN:])
        yield "</details>"


def _card(entry: Entry, style: str, sign: str, paths: Paths) -> str:
    what = cells_words(entry.cells, 40) + scopes_words(entry)
    place = place_words(entry, paths)
    forbids = "forbids: " if entry.part == "forbids" else ""
    head = (
        f'<b class="{style}">{sign}</b><b>{escape(who_words(entry, 20))}</b><span>{escape(what)}</span>'
        f'<span class="place dim">{escape(place)}</span>'
    )
    words = f'{_words(before_words(entry))}<span class="arrow">→</span>{_words(after_words(entry))}'
    lines = [f'<p class="head">{head}</p>', f"<p>{forbids}{words}</p>"]
    more = [through_words(entry), lent_words(entry), forbids_words(entry)]
    more += [f"for example: {example_words(entry)}", people_words(entry)]
    lines += [f'<p class="dim">{escape(line)}</p>' for line in more if line]
    rules = [*_rules("−", entry.caused_old, paths.old), *_rules("+", entry.caused_new, paths.new)]
    if rules:
        text = "\n".join(escape(rule) for rule in rules)
        lines.append(f"<details><summary>the lines behind it</summary><pre>{text}</pre></details>")
    return f'<article class="{style}">{"".join(lines)}</article>'


def _rules(sign: str, rules: Iterable[RuleEntry], path: Path) -> Iterable[str]:
    for rule in rules:
        yield f"{sign} {safe(path(rule.place.file))}:{rule.place.line}   {rule_text(rule)}"


def _words(words: str) -> str:
    return f"<b>{words}</b>" if words in ("never", "always") else _code(words)


def _code(text: str) -> str:
    return f"<code>{escape(safe(text))}</code>"


_OPENED, _CLOSED = "\x02", "\x03"  # no text that was made safe holds these


def _mark(name: str) -> str:
    return f"{_OPENED}{safe(name)}{_CLOSED}"


def _sentence(text: str) -> str:
    """A sentence with names in it, which were marked."""
    return escape(text).replace(_OPENED, "<code>").replace(_CLOSED, "</code>")


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
