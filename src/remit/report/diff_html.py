"""A difference as one page to look at: the counts, each class of change as cards, what else changed. No scripts,
nothing from elsewhere; light or dark as the reader's system is. Colour never stands alone: each mark has its sign.

All text from outside goes through `html.escape`.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from remit.analysis.folding import GAINS, LOSSES, ORDER, Entry
from remit.analysis.reviewing import Review
from remit.report.diff_whole import (
    TITLES,
    Class,
    beside_lines,
    classes,
    head_words,
    kept_words,
    lines_behind,
    unproven_words,
)
from remit.report.diff_words import Paths, told
from remit.report.escape import safe
from remit.report.listing import counted

_OPEN = 200  # cards of a class that are not folded
_STYLES = {"+": ("more", "+"), "-": ("less", "−"), "~": ("other", "~"), "?": ("open", "?")}
_SIGNS = {"+": "+", "-": "−", " ": " "}
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
    for one in classes(review):
        parts += _class(one, review, paths)
    if kept := kept_words(review):
        said = f"Not told again: all of it is denied, then as now, when {_code(kept)}."
        parts.append(f'<p class="dim">{said}</p>')
    if review.beside:
        parts.append("<h2>Beside that</h2>")
        parts.append(_list(map(_sentence, beside_lines(review, paths, _mark))))
    return "\n".join([*parts, "</body>\n</html>"])


def _counts(review: Review) -> str:
    """How many permissions are of each class, each role's by itself: what `--fail-on` counts."""
    items = []
    for kind in ORDER:
        style, sign = _STYLES["+" if kind in GAINS else "-" if kind in LOSSES else "~" if kind == "changed" else "?"]
        if review.changed[kind]:
            items.append(f'<li class="{style}"><b>{sign} {review.changed[kind]:,}</b> {TITLES[kind].lower()}</li>')
    return f'<ul class="counts">{"".join(items)}</ul>' if items else ""


def _class(one: Class, review: Review, paths: Paths) -> Iterable[str]:
    style, sign = _STYLES[one.sign]
    cards = [_card(entry, review, paths) for entry in one.entries]
    yield f'<h2><b class="{style}">{sign}</b> {one.title}</h2>'
    yield from cards[:_OPEN]
    if more := cards[_OPEN:]:
        yield f"<details><summary>{counted(len(more), 'more change')}</summary>"
        yield from more
        yield "</details>"


def _card(entry: Entry, review: Review, paths: Paths) -> str:
    style, sign = _STYLES[entry.sign]
    words = told(entry, paths, most_who=20, most_cells=40)
    head = (
        f'<b class="{style}">{sign}</b><b>{escape(words.who)}</b><span>{escape(words.what)}</span>'
        f'<span class="place dim">{escape(words.place)}</span>'
    )
    forbids = "forbids: " if entry.part == "forbids" else ""
    became = f'{_words(words.before)}<span class="arrow">→</span>{_words(words.after)}'
    lines = [f'<p class="head">{head}</p>', f"<p>{forbids}{became}</p>"]
    lines += [f'<p class="dim">{escape(line)}</p>' for line in (words.through, *words.more, words.people) if line]
    behind = lines_behind([entry], review, paths)
    if behind:
        text = "\n".join(escape(f"{_SIGNS[line.sign]} {line.place}   {line.text}") for line in behind)
        lines.append(f"<details><summary>the lines behind it</summary><pre>{text}</pre></details>")
    return f'<article class="{style}">{"".join(lines)}</article>'


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
